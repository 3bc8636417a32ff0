"""What a network does with single examples: its worst mistakes, and which inputs its answers hang on."""

from trainwell.explain.adversarial import Pixels as Pixels
from trainwell.explain.adversarial import accuracy_by_strength as accuracy_by_strength
from trainwell.explain.adversarial import attack as attack
from trainwell.explain.adversarial import decide as decide
from trainwell.explain.calibration import Calibration as Calibration
from trainwell.explain.calibration import calibration as calibration
from trainwell.explain.calibration import top_error as top_error
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
from trainwell.explain.retrieval import nearest as nearest
from trainwell.explain.retrieval import precision_at as precision_at
from trainwell.explain.retrieval import precision_of_set as precision_of_set
from trainwell.explain.saliency import MAPS as MAPS
from trainwell.explain.saliency import flat as flat
from trainwell.explain.saliency import saliency as saliency
from trainwell.explain.segmentation import segment as segment
