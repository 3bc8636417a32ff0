"""Constraints on the weights, enforced after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError


def max_norm_(weights: Iterable[Tensor], limit: float) -> None:
    """Scale every unit's incoming weight vector down to norm `limit`, in place (Srivastava et al. 2014, section 5.1).

    Args:
        weights: (out, in, ...) matrices and filter banks; biases and scales (one axis) are not changed.
        limit: the largest norm, often 3 or 4.
    Raises:
        UsageError: if the limit is not positive.

    >>> weight = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    >>> max_norm_([weight], 1.0)
    >>> weight
    tensor([[0.6000, 0.8000], [0.3000, 0.4000]])
    """
    if not limit > 0:
        raise UsageError(f"The max-norm must be greater than 0, got {limit}. The usual values are 3 and 4.")
    with torch.no_grad():
        for weight in weights:
            if weight.ndim >= 2:
                norms = weight.flatten(1).norm(dim=1).clamp(min=1e-12)
                weight.mul_((limit / norms).clamp(max=1.0).view(-1, *[1] * (weight.ndim - 1)))


def max_norm_of(model: nn.Module, limit: float) -> Callable[[], None]:
    """Return a function that enforces the max-norm of a network's weights; frozen weights are not changed.

    >>> net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    >>> frozen = net[0].weight.detach().clone()
    >>> _ = net[0].requires_grad_(False)
    >>> max_norm_of(net, 0.1)()
    >>> torch.equal(net[0].weight, frozen), bool(net[1].weight.norm(dim=1).max() < 0.11)
    (True, True)
    """
    parameters = list(model.parameters())
    return lambda: max_norm_((p for p in parameters if p.requires_grad), limit)
