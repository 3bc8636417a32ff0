"""Penalties on the size of weights; biases and scales (one axis) are spared, unless the recipe says otherwise.

A penalty of the catalogue takes the optimizer it is attached to, and settings of [optim] by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import UsageError


def elastic_net(weights: Iterable[Tensor], *, l1: float, l2: float) -> Tensor:
    """Return l1 * sum |w| + l2 / 2 * sum w**2, to be added to the loss (Zou and Hastie 2005).

    With `l1=0` this is ridge regression: its gradient l2 * w is weight decay. With `l2=0` it is the lasso.

    Args:
        weights: matrices and filter banks; tensors with one axis are left out.
        l1: strength of the penalty on absolute values.
        l2: strength of the penalty on squares.
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


def soft_threshold_(weights: Iterable[Tensor], amount: float, *, biases: bool = False) -> None:
    """Move every weight by `amount` towards zero and no further, in place: the exact step of an L1 penalty.

    Adding |w| to the loss makes weights small; only this makes them zero. Use `amount` = learning rate * strength
    after each step (Daubechies et al. 2004). Tensors with one axis are left out unless `biases`.

    >>> weight = torch.tensor([[0.5, -0.1]])
    >>> soft_threshold_([weight], 0.2)
    >>> weight
    tensor([[0.3000, -0.0000]])
    """
    with torch.no_grad():
        for weight in weights:
            if biases or weight.ndim >= 2:
                weight.copy_(weight.sign() * (weight.abs() - amount).clamp(min=0.0))


def decay_directly(optimizer: Optimizer, decays: dict[int, float]) -> None:
    """Shrink weights by learning rate * decay before every step: decoupled weight decay.

    Weights that do not require a gradient at the time of a step are frozen and not changed.

    The same as an L2 penalty for SGD, but not for optimizers that divide by the size of gradients
    (Loshchilov and Hutter 2019).

    Args:
        optimizer: of any kind, whose own decay should be 0.
        decays: strength by number of the parameter group.

    >>> w = torch.ones(1, requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> decay_directly(optimizer, {0: 0.5})
    >>> w.grad = torch.zeros(1)
    >>> optimizer.step()
    >>> w
    tensor([0.9500], requires_grad=True)
    """

    def shrink(chosen: Optimizer, args: object, kwargs: object) -> None:
        with torch.no_grad():
            for number, decay in decays.items():
                group = chosen.param_groups[number]
                if learning := [p for p in group["params"] if p.requires_grad]:
                    torch._foreach_mul_(learning, 1 - group["lr"] * decay)

    optimizer.register_step_pre_hook(shrink)


def pull_to_zero(optimizer: Optimizer, pulls: dict[int, float]) -> None:
    """Move weights by learning rate * strength towards zero after every step, and no further: an exact L1 penalty.

    Weights that do not require a gradient at the time of a step are frozen and not changed.

    Args:
        optimizer: of any kind.
        pulls: strength by number of the parameter group.

    >>> w = torch.tensor([[1.0, 0.01]], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> pull_to_zero(optimizer, {0: 0.5})
    >>> w.grad = torch.zeros(1, 2)
    >>> optimizer.step()
    >>> w.detach()
    tensor([[0.9500, 0.0000]])
    """

    def pull(chosen: Optimizer, args: object, kwargs: object) -> None:
        for number, strength in pulls.items():
            group = chosen.param_groups[number]
            learning = (p for p in group["params"] if p.requires_grad)
            soft_threshold_(learning, group["lr"] * strength, biases=True)

    optimizer.register_step_post_hook(pull)


def add_slope(optimizer: Optimizer, pulls: dict[int, float]) -> None:
    """Add strength * w to the gradients before every step: an L2 penalty for optimizers with another weight decay.

    >>> w = torch.ones(1, requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1)
    >>> add_slope(optimizer, {0: 2.0})
    >>> w.grad = torch.zeros(1)
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8000])
    """

    def add(chosen: Optimizer, args: object, kwargs: object) -> None:
        with torch.no_grad():
            for number, strength in pulls.items():
                for p in chosen.param_groups[number]["params"]:
                    if p.grad is not None:
                        p.grad.add_(p, alpha=strength)

    optimizer.register_step_pre_hook(add)


class Penalised(NamedTuple):
    """What a penalty is attached to.

    Args:
        optimizer: of any kind.
        groups: numbers of the parameter groups whose weights are penalised.
        direct: True if the optimizer's own weight decay does not go through the gradient.
    """

    optimizer: Optimizer
    groups: tuple[int, ...]
    direct: bool


def _l2(given: Penalised, *, l2: float) -> None:
    """Add the gradient of l2/2 times the sum of squares, where weight decay is not the same already."""
    if l2 and given.direct:
        add_slope(given.optimizer, dict.fromkeys(given.groups, l2))


def _decoupled(given: Penalised, *, weight_decay: float, decoupled: bool) -> None:
    """Shrink weights directly."""
    if weight_decay and decoupled:
        decay_directly(given.optimizer, dict.fromkeys(given.groups, weight_decay))


def _l1(given: Penalised, *, l1: float) -> None:
    """Move weights towards zero after the step."""
    if l1:
        pull_to_zero(given.optimizer, dict.fromkeys(given.groups, l1))


PENALTIES: Catalogue[Callable[..., None]] = Catalogue("penalty", {"l2": _l2, "decoupled": _decoupled, "l1": _l1})
"""In the order in which they act. One named like a setting of [optim] is attached only where that setting is set."""
