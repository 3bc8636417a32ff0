"""Variance-based SGD: a learning rate for each weight, from the variance of its gradient and its curvature."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwell.optim.optimizers.closure import Loss, required, trainable
from trainwell.optim.optimizers.entry import Given


def variance_sgd(given: Given) -> Optimizer:
    """Give each weight the learning rate that is best for a noisy quadratic: no learning rate to choose.

    Formula: r = E[g]² / (E[|h|] E[g²]) with running means over t steps; t <- (1 - E[g]² / E[g²]) t + 1
    Use: a reference that needs no tuning; optim.learning_rate is a factor on the rates found, usually 1.
    Cost: two gradients a step and four more numbers per weight.
    Source: Schaul, Zhang and LeCun 2013; curvature as Schaul and LeCun 2013
    """
    return VSGD(given.groups)


class Variance(NamedTuple):
    """The state of vSGD for each weight: running means, and the number of steps they cover.

    Args:
        mean: of the gradient.
        square: of the squared gradient.
        curvature: of the curvature's size.
        memory: steps that the means cover; few while the gradient is steady, many in noise.
    """

    mean: Tensor
    square: Tensor
    curvature: Tensor
    memory: Tensor


def start_variance(gradient: Tensor, curvature: Tensor, *, overestimate: float = 10.0) -> Variance:
    """Return the state of vSGD before its first step; the variance is overestimated to keep the first steps small."""
    tiny = torch.finfo(gradient.dtype).tiny
    square = (gradient * gradient).clamp(min=tiny) * overestimate
    return Variance(gradient.clone(), square, curvature.clamp(min=tiny), torch.full_like(gradient, 2.0))


def vsgd(
    weight: Tensor, gradient: Tensor, *, curvature: Tensor, memory: Variance, learning_rate: Tensor | float = 1.0
) -> tuple[Tensor, Variance]:
    """Step with the optimal learning rate of a noisy quadratic, for each weight (Schaul, Zhang, LeCun 2013).

    With running means E over t steps, rate = E[g]² / (E[|h|] E[g²]): the fraction of the gradient
    that is signal, over the curvature. Then t <- (1 - E[g]² / E[g²]) t + 1. A pure function; works under
    `torch.func.vmap`.

    Args:
        weight: any shape.
        gradient: of the same shape.
        curvature: of the same shape, absolute values of the diagonal of the Hessian.
        memory: the state that the last call or `start_variance` returned.
        learning_rate: factor on the rate found, usually 1.

    >>> one = torch.ones(1)
    >>> memory = Variance(one, one, 2 * one, one)
    >>> vsgd(3 * one, one, curvature=2 * one, memory=memory)[0]
    tensor([2.5000])
    """
    share = 1 / memory.memory
    mean = torch.lerp(memory.mean, gradient, share)
    square = torch.lerp(memory.square, gradient * gradient, share)
    height = torch.lerp(memory.curvature, curvature, share)
    tiny = torch.finfo(weight.dtype).tiny
    signal = (mean * mean / square.clamp(min=tiny)).clamp(max=1.0)
    # A weight without curvature (of a dead unit) has no gradient either, and is not changed.
    rate = torch.where(height > tiny, signal / height.clamp(min=tiny), torch.zeros_like(height))
    new = weight - learning_rate * rate * gradient
    return new, Variance(mean, square, height, (1 - signal) * memory.memory + 1)


@final
class VSGD(Optimizer):
    """Variance-based SGD (Schaul, Zhang, LeCun 2013): no learning rate to choose.

    The curvature comes from a second gradient of the same batch, at weights shifted by the mean gradient (Schaul and
    LeCun 2013), so a step costs two gradients. Curvatures below the mean of their tensor count as that mean: finite
    differences are zero where ReLU is flat, and the learning rate would be unbounded.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to gradient and curvature).
        lr: factor on the rates found, usually 1.

    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = VSGD([w])
    >>> for _ in range(300): optimizer.step(lambda: (w * torch.tensor([10.0, 2.5]) * w).sum())
    >>> bool(w.abs().max() < 1e-3)
    True
    """

    needs_closure = True

    def __init__(self, params: Iterable[Any], *, lr: float = 1.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Loss | None = None) -> None:  # type: ignore[override]
        """Take one step; `closure` returns the loss with its graph."""
        loss_of = required(closure, "vSGD")
        pairs = trainable(self)
        parameters = [p for p, _ in pairs]
        first = self._slopes(loss_of, pairs)
        shifts = [_shift(self.state[p].get("mean", g), p) for p, g in zip(parameters, first, strict=True)]
        before = [p.clone() for p in parameters]
        torch._foreach_add_(parameters, shifts)
        second = self._slopes(loss_of, pairs)
        for (p, group), old, g, other, shift in zip(pairs, before, first, second, shifts, strict=True):
            curvature = ((other - g) / shift).abs()
            curvature = curvature.clamp(min=curvature.mean())
            state = self.state[p]
            memory = Variance(**state) if state else start_variance(g, curvature)
            new, memory = vsgd(old, g, curvature=curvature, memory=memory, learning_rate=group["lr"])
            p.copy_(new)
            state.update(memory._asdict())

    def _slopes(self, loss_of: Loss, pairs: list[tuple[Tensor, dict[str, Any]]]) -> list[Tensor]:
        with torch.enable_grad():
            slopes = torch.autograd.grad(loss_of(), [p for p, _ in pairs], materialize_grads=True)
        return [slope + group["weight_decay"] * p for slope, (p, group) in zip(slopes, pairs, strict=True)]


def _shift(mean: Tensor, weight: Tensor) -> Tensor:
    """Return the shift for finite differences: the mean gradient, but large enough to exceed rounding errors."""
    least = 1e-3 * weight.abs().mean().clamp(min=1e-3)
    return torch.where(mean < 0, -1.0, 1.0).to(mean.dtype) * mean.abs().clamp(min=float(least))
