"""From a recipe to a trained run: plan, build, fit, resume. The only package that imports every catalogue."""

from trainwell.fitting.catalogues import CATALOGUES as CATALOGUES
from trainwell.fitting.catalogues import choices as choices
from trainwell.fitting.fit import fit as fit
from trainwell.fitting.fit import found_again as found_again
from trainwell.fitting.fit import resume as resume
from trainwell.fitting.plan import Plan as Plan
from trainwell.fitting.plan import completed as completed
from trainwell.fitting.plan import gather as gather
from trainwell.fitting.plan import plan as plan
from trainwell.fitting.plan import split_seed as split_seed
from trainwell.fitting.trained_model import load_model as load_model
from trainwell.fitting.trained_model import open_run as open_run
