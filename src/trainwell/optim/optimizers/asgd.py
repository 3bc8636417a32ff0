"""Averaged stochastic gradient descent."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.entry import Given


def asgd(given: Given) -> Optimizer:
    """Plain gradient descent that keeps the mean of all weights, which is nearer to the minimum than the last ones.

    Formula: w <- w - r g; a <- a + (w - a) / (t - 1); the mean is `optimizer.state[parameter]["ax"]`
    Use: convex losses at a constant learning rate; train.ema averages the late weights of any optimizer instead.
    Cost: one more number per weight.
    Source: Polyak and Juditsky 1992
    """
    # t0 = 0 averages from the first step on; lambd and alpha are the schedule's and the decay's business.
    built = torch.optim.ASGD(given.groups, lambd=0.0, alpha=0.0, t0=0.0)
    built.register_step_pre_hook(_use_current_learning_rate)
    return built


def _use_current_learning_rate(built: Optimizer, arguments: object, named: object) -> None:
    """Give torch's ASGD the learning rate of this step: it would use that of the step before."""
    for group in built.param_groups:
        for parameter in group["params"]:
            if "eta" in built.state[parameter]:
                built.state[parameter]["eta"].fill_(group["lr"])
