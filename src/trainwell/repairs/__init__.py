"""What is changed: cures as edits of the recipe. No torch."""

from trainwell.repairs.catalogue import REPAIRS as REPAIRS
from trainwell.repairs.repair import Repair as Repair
