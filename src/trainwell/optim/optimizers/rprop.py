"""Resilient backpropagation."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.entry import Given


def rprop(given: Given) -> Optimizer:
    """Use only the sign of each gradient: a step grows by 1.2 while the sign stays and halves when it changes.

    Formula: w <- w - size * sign(g); size starts at r and stays between 1e-6 and 50
    Use: whole batches of small data only: in mini-batches signs change by chance. Schedule and decay have no effect.
    Cost: two more numbers per weight.
    Source: Riedmiller and Braun 1993
    """
    for group in given.groups:
        group.pop("weight_decay", None)  # added to the gradient, it would only change signs
    return torch.optim.Rprop(given.groups)
