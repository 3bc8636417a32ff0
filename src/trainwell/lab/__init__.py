"""The classic experiments, one file each: numbers beside what the law says, and a figure. No torch until one runs."""

from trainwell.core.figure import Figure as Figure
from trainwell.lab.catalogue import EXPERIMENTS as EXPERIMENTS
from trainwell.lab.catalogue import Experiment as Experiment
from trainwell.lab.result import Conditions as Conditions
from trainwell.lab.result import Result as Result
