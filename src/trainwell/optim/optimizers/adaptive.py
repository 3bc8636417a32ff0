"""Optimizers that divide each gradient by the size of past ones: Adagrad, Adadelta, RMSProp."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.entry import Given


def adagrad(given: Given, *, epsilon: float) -> Optimizer:
    """Divide by the root of the sum of all squared gradients: rare features take large steps; the steps only shrink.

    Formula: s <- s + g²; w <- w - r g / (sqrt(s) + e)
    Use: sparse inputs (words); long runs of deep networks stall, because s grows without limit.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Duchi et al. 2011
    """
    return torch.optim.Adagrad(given.groups, eps=epsilon)


def adadelta(given: Given, *, rho: float, epsilon: float) -> Optimizer:
    """Scale steps by past steps over past gradients, so that they have the unit of the weights.

    Formula: s <- p s + (1-p) g²; d = g sqrt(u + e) / sqrt(s + e); u <- p u + (1-p) d²; w <- w - r d
    Use: without a learning rate to tune: r = 1, p = 0.9, e = 1e-6 are the paper's. Slow at the start.
    Cost: two more numbers per weight.
    Source: Zeiler 2012
    """
    return torch.optim.Adadelta(given.groups, rho=rho, eps=epsilon)


def rmsprop(given: Given, *, rho: float, epsilon: float) -> Optimizer:
    """Divide by the root of a moving average of the squared gradient.

    Formula: s <- p s + (1-p) g²; w <- w - r g / (sqrt(s) + e)
    Use: recurrent networks, losses that change during training.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Tieleman and Hinton 2012
    """
    return torch.optim.RMSprop(given.groups, alpha=rho, eps=epsilon)
