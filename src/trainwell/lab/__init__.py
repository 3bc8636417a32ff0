"""The classic experiments, one file each: measured numbers beside the expected ones, and a figure.

Importing this package imports no torch; running an experiment does.
"""

from trainwell.core.figure import Figure as Figure
from trainwell.lab.catalogue import EXPERIMENTS as EXPERIMENTS
from trainwell.lab.catalogue import Experiment as Experiment
from trainwell.lab.result import Conditions as Conditions
from trainwell.lab.result import Interval as Interval
from trainwell.lab.result import Result as Result
