"""Repairs: edits of the recipe that answer findings. No torch."""

from trainwell.repairs.catalogue import REPAIRS as REPAIRS
from trainwell.repairs.repair import Repair as Repair
