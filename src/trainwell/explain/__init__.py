"""What a network does with single examples: its worst mistakes, and which inputs its answers hang on."""

from trainwell.explain.evaluation import evaluation_mode as evaluation_mode
from trainwell.explain.features import depths as depths
from trainwell.explain.features import features as features
from trainwell.explain.features import flat_map as flat_map
from trainwell.explain.features import frechet as frechet
from trainwell.explain.features import linear_probe as linear_probe
from trainwell.explain.mistakes import Mistake as Mistake
from trainwell.explain.mistakes import worst_mistakes as worst_mistakes
from trainwell.explain.picture import data_uri as data_uri
from trainwell.explain.picture import png as png
from trainwell.explain.picture import to_pixels as to_pixels
from trainwell.explain.saliency import saliency as saliency
