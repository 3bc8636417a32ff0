"""The loop and what keeps it safe."""

from trainwell.train.device import choose_device as choose_device
from trainwell.train.device import placed as placed
from trainwell.train.device import threads as threads
from trainwell.train.evaluate import evaluate as evaluate
from trainwell.train.interrupt import Interrupt as Interrupt
from trainwell.train.job import Job as Job
from trainwell.train.job import State as State
from trainwell.train.loop import train as train
from trainwell.train.memory import out_of_memory as out_of_memory
from trainwell.train.update import Again as Again
from trainwell.train.update import Average as Average
from trainwell.train.update import Update as Update
from trainwell.train.upkeep import Upkeep as Upkeep
