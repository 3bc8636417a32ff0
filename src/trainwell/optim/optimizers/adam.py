"""Adam, with weight decay through the gradient (adam) and decoupled from it (adamw)."""

from __future__ import annotations

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.entry import Given


def adam(given: Given, *, beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Divide the mean gradient by the root of the mean squared gradient, both corrected for their start at zero.

    Formula: m <- b1 m + (1-b1) g; s <- b2 s + (1-b2) g²; w <- w - r (m / (1-b1^t)) / (sqrt(s / (1-b2^t)) + e)
    Use: 1e-3 suits most networks; weight decay goes through the gradient here: prefer adamw with weight decay.
    Cost: two more numbers per weight.
    Lab: optimizer_race, weight_decay
    Source: Kingma and Ba 2015
    """
    return torch.optim.Adam(given.groups, betas=(beta1, beta2), eps=epsilon, fused=given.fused or None)


def adamw(given: Given, *, beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """Adam with decoupled weight decay: it shrinks the weights directly, all by the same factor.

    Formula: w <- (1 - r d) w, then Adam's step
    Use: the default; networks with different kinds of layers, attention, little time to tune.
    Cost: two more numbers per weight.
    Lab: weight_decay, optimizer_race
    Source: Loshchilov and Hutter 2019
    """
    return torch.optim.AdamW(given.groups, betas=(beta1, beta2), eps=epsilon, fused=given.fused or None)
