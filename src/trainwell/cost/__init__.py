"""What a network costs: parameters, multiply-adds, memory, time."""

from trainwell.cost.flops import multiply_adds as multiply_adds
from trainwell.cost.flops import output_side as output_side
from trainwell.cost.layers import LayerCost as LayerCost
from trainwell.cost.layers import layers as layers
from trainwell.cost.memory import TrainingMemory as TrainingMemory
from trainwell.cost.memory import free_bytes as free_bytes
from trainwell.cost.memory import training_memory as training_memory
from trainwell.cost.parameters import count_parameters as count_parameters
from trainwell.cost.peak import step_peak as step_peak
from trainwell.cost.receptive_field import ReceptiveFields as ReceptiveFields
from trainwell.cost.seconds import BUSY as BUSY
from trainwell.cost.seconds import Machine as Machine
from trainwell.cost.seconds import calibrate as calibrate
from trainwell.cost.seconds import time_steps as time_steps
