"""What a network costs: parameters, multiply-adds, memory."""

from trainwell.cost.flops import multiply_adds as multiply_adds
from trainwell.cost.flops import output_side as output_side
from trainwell.cost.layers import LayerCost as LayerCost
from trainwell.cost.layers import layers as layers
from trainwell.cost.memory import TrainingMemory as TrainingMemory
from trainwell.cost.memory import training_memory as training_memory
from trainwell.cost.parameters import count_parameters as count_parameters
