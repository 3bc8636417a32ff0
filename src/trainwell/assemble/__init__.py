"""Recipe to job, fit(recipe) to run: the only room that knows every catalogue."""

from trainwell.assemble.about import Page as Page
from trainwell.assemble.about import about as about
from trainwell.assemble.about import pages as pages
from trainwell.assemble.advice import advise as advise
from trainwell.assemble.advice import probe_layers as probe_layers
from trainwell.assemble.cost_sheet import CostSheet as CostSheet
from trainwell.assemble.cost_sheet import cost_sheet as cost_sheet
from trainwell.assemble.costing import find_subject as find_subject
from trainwell.assemble.ensemble import average as average
from trainwell.assemble.ensemble import ensemble as ensemble
from trainwell.assemble.explanation import Asked as Asked
from trainwell.assemble.explanation import Explanation as Explanation
from trainwell.assemble.explanation import explain as explain
from trainwell.assemble.fit import fit as fit
from trainwell.assemble.fit import found_again as found_again
from trainwell.assemble.fit import resume as resume
from trainwell.assemble.model import load_model as load_model
from trainwell.assemble.model import open_run as open_run
from trainwell.assemble.plan import CATALOGUES as CATALOGUES
from trainwell.assemble.plan import Plan as Plan
from trainwell.assemble.plan import gather as gather
from trainwell.assemble.plan import plan as plan
from trainwell.assemble.predict import Predicted as Predicted
from trainwell.assemble.predict import predict as predict
from trainwell.assemble.similar import similar as similar
