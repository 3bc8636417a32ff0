"""Optimizers by name, built from a recipe on top of torch.optim, fused where the device allows.

One file for each family. A builder's docstring is the optimizer's page in `trainwell about`: w is a weight, g its
gradient, r the learning rate.
"""

from trainwell.optim.optimizers.build import needs_closure as needs_closure
from trainwell.optim.optimizers.build import optimizer as optimizer
from trainwell.optim.optimizers.build import parameter_groups as parameter_groups
from trainwell.optim.optimizers.catalogue import OPTIMIZERS as OPTIMIZERS
from trainwell.optim.optimizers.entry import Given as Given
from trainwell.optim.optimizers.entry import OptimizerEntry as OptimizerEntry
from trainwell.optim.optimizers.kfac import KFAC as KFAC
from trainwell.optim.optimizers.lbfgs import LBFGS as LBFGS
from trainwell.optim.optimizers.newton import Newton as Newton
from trainwell.optim.optimizers.vsgd import VSGD as VSGD
from trainwell.optim.optimizers.vsgd import start_variance as start_variance
from trainwell.optim.optimizers.vsgd import vsgd as vsgd
