"""Stochastic gradient descent, alone, with momentum and with Nesterov momentum."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.entry import Given


def sgd(given: Given, *, momentum: float, nesterov: bool) -> Optimizer:
    """Step along the gradient of a mini-batch, w <- w - r g, with momentum as the recipe says.

    Formula: v <- m v + g; w <- w - r v, or w <- w - r (g + m v) with optim.nesterov; plain descent with m = 0.
    Use: images and large data with a tuned learning rate and schedule; from single examples to whole batches.
    Cost: one more number per weight with momentum, none without.
    Lab: batch_paths, critical_rate, optimizer_race
    Source: Robbins and Monro 1951; Polyak 1964
    """
    return _descent(given, momentum=momentum, nesterov=nesterov and momentum > 0)


def momentum(given: Given, *, momentum: float) -> Optimizer:
    """Add up past gradients to a velocity: steps along a ravine grow, those across it cancel.

    Formula: v <- m v + g; w <- w - r v
    Use: wherever plain descent zigzags; m = 0.9 makes steps up to 10 times as long.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Polyak 1964
    """
    return _descent(given, momentum=momentum, nesterov=False)


def nesterov(given: Given, *, momentum: float) -> Optimizer:
    """Momentum with a look ahead: the gradient counts again where the velocity is about to lead.

    Formula: v <- m v + g; w <- w - r (g + m v)
    Use: as momentum, with less overshooting; the usual choice for residual networks.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Nesterov 1983; Sutskever et al. 2013
    """
    return _descent(given, momentum=momentum, nesterov=True)


def _descent(given: Given, *, momentum: float, nesterov: bool) -> Optimizer:
    built = torch.optim.SGD(given.groups, momentum=momentum, nesterov=nesterov, fused=given.fused or None)
    if momentum:
        # Zeros give the same first step as no buffer, and torch's fused step refuses a mixture of both: layers that
        # are unfrozen during the run would have none.
        for group in built.param_groups:
            for parameter in group["params"]:
                zeros = torch.zeros_like(parameter, memory_format=torch.preserve_format)
                built.state[parameter]["momentum_buffer"] = zeros
    return built
