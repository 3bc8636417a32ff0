"""Optimizers and schedules."""

from trainwell.optim.constraints import max_norm_ as max_norm_
from trainwell.optim.optimizers import OPTIMIZERS as OPTIMIZERS
from trainwell.optim.optimizers import optimizer as optimizer
from trainwell.optim.optimizers import parameter_groups as parameter_groups
from trainwell.optim.penalties import elastic_net as elastic_net
from trainwell.optim.penalties import soft_threshold_ as soft_threshold_
from trainwell.optim.schedules import SCHEDULES as SCHEDULES
from trainwell.optim.schedules import schedule as schedule
from trainwell.optim.second_order import newton_step as newton_step
from trainwell.optim.second_order import saddle_free_step as saddle_free_step
