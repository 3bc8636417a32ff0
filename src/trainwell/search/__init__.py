"""Choosing hyperparameters: many configurations at once, one winner honestly chosen."""

from trainwell.search.loop import Progress as Progress
from trainwell.search.methods import METHODS as METHODS
from trainwell.search.results import describe_settings as describe_settings
from trainwell.search.results import importance as importance
from trainwell.search.retest import retest as retest
from trainwell.search.space import Choice as Choice
from trainwell.search.space import Range as Range
from trainwell.search.space import Space as Space
from trainwell.search.space import make_space as make_space
from trainwell.search.space import read_space as read_space
from trainwell.search.study import Study as Study
from trainwell.search.study import open_study as open_study
from trainwell.search.trial import Trial as Trial
from trainwell.search.tune import Options as Options
from trainwell.search.tune import Silent as Silent
from trainwell.search.tune import resume_study as resume_study
from trainwell.search.tune import tune as tune
