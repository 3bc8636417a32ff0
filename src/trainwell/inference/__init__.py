"""Using a trained network: predictions, ensembles, explanations, features, sliding windows."""

from trainwell.inference.ensemble import average as average
from trainwell.inference.ensemble import ensemble as ensemble
from trainwell.inference.explanation import Explanation as Explanation
from trainwell.inference.explanation import ExplanationRequest as ExplanationRequest
from trainwell.inference.explanation import explain as explain
from trainwell.inference.generate import Generated as Generated
from trainwell.inference.generate import Sampling as Sampling
from trainwell.inference.generate import generate as generate
from trainwell.inference.predict import Predicted as Predicted
from trainwell.inference.predict import predict as predict
from trainwell.inference.probing import probe_layers as probe_layers
from trainwell.inference.similar import similar as similar
from trainwell.inference.slide import slide as slide
