"""Penalties on the size of weights; biases and scales (one axis) go free."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from trainwell.core.errors import UsageError


def elastic_net(weights: Iterable[Tensor], *, l1: float, l2: float) -> Tensor:
    """Return l1 * sum |w| + l2 / 2 * sum w**2, to be added to the loss (Zou and Hastie 2005).

    With `l1=0` this is ridge: its slope l2 * w is weight decay. With `l2=0` it is the lasso.

    Args:
        weights: matrices and filter banks; tensors with one axis are left out.
        l1: strength of the pull of equal force towards zero.
        l2: strength of the pull in proportion to the weight.
    Raises:
        UsageError: if a strength is negative.

    >>> elastic_net([torch.tensor([[3.0, -4.0]]), torch.tensor([100.0])], l1=1.0, l2=2.0)
    tensor(32.)
    """
    if l1 < 0 or l2 < 0:
        raise UsageError(f"The strengths of a penalty must be at least 0, got l1={l1} and l2={l2}.")
    total = torch.zeros(())
    for weight in weights:
        if weight.ndim >= 2:
            total = total.to(weight) + l1 * weight.abs().sum() + 0.5 * l2 * weight.square().sum()
    return total


def soft_threshold_(weights: Iterable[Tensor], amount: float) -> None:
    """Move every weight by `amount` towards zero and no further, in place: the exact step of an L1 penalty.

    Adding |w| to the loss makes weights small; only this makes them zero. Use `amount` = rate * strength after
    each step (Daubechies et al. 2004).

    >>> weight = torch.tensor([[0.5, -0.1]])
    >>> soft_threshold_([weight], 0.2)
    >>> weight
    tensor([[0.3000, -0.0000]])
    """
    with torch.no_grad():
        for weight in weights:
            if weight.ndim >= 2:
                weight.copy_(weight.sign() * (weight.abs() - amount).clamp(min=0.0))
