"""Newton's method, plain and saddle-free, on the Hessian of the batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwell.core.errors import UsageError
from trainwell.optim.optimizers.closure import Loss, required, trainable
from trainwell.optim.optimizers.entry import Given

LARGEST = 2_000  # weights whose Hessian is computed: 2,000 x 2,000 takes 16 MB and seconds


def newton(given: Given, *, damping: float) -> Optimizer:
    """Jump to the stationary point of the local quadratic: one step solves a quadratic, but saddles attract too.

    Formula: w <- w - r (H + d I)^-1 g
    Use: logistic regression and other small convex problems in whole batches; at most 2,000 weights.
    Cost: the Hessian: as many gradients a step as there are weights, and their square in memory.
    Lab: second_order
    Source: Nocedal and Wright 2006, chapter 3
    """
    return Newton(given.groups, damping=damping)


def saddle_free(given: Given, *, damping: float) -> Optimizer:
    """Newton's step with the absolute curvature: it leaves saddles where Newton climbs to them.

    Formula: w <- w - r (|H| + d I)^-1 g
    Use: small networks (at most 2,000 weights) in whole batches.
    Cost: as newton, and the eigenvectors of the Hessian.
    Lab: second_order
    Source: Dauphin et al. 2014
    """
    return Newton(given.groups, damping=damping, saddle_free=True)


@final
class Newton(Optimizer):
    """Newton's step on the Hessian of the batch, w - r (H + d I)^-1 g; saddle-free: |H| in place of H.

    Plain Newton jumps to the stationary point of the local quadratic, a minimum or a saddle; saddle-free
    (Dauphin et al. 2014) takes the absolute values of the curvatures and descends.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to gradient and curvature).
        lr: 1 jumps all the way.
        damping: d; added to every curvature.
        saddle_free: whether to take absolute curvatures.
    Raises:
        UsageError: if there are more than 2,000 weights: the Hessian has the square of that.

    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> Newton([w], damping=1e-9).step(lambda: (w * torch.tensor([10.0, 2.5]) * w).sum())
    >>> bool(w.abs().max() < 1e-5)
    True
    """

    needs_closure = True

    def __init__(
        self, params: Iterable[Any], *, lr: float = 1.0, damping: float = 1e-3, saddle_free: bool = False
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": 0.0})
        self._damping = damping
        self._saddle_free = saddle_free
        size = sum(p.numel() for group in self.param_groups for p in group["params"])
        if size > LARGEST:
            raise UsageError(
                f"Newton's method computes the Hessian of at most {LARGEST:,} weights, got {size:,}. "
                "Make the network smaller, or choose optim.name = 'kfac' or 'lbfgs'."
            )

    @torch.no_grad()
    def step(self, closure: Loss | None = None) -> None:  # type: ignore[override]
        """Take one step; `closure` returns the loss with its graph."""
        loss_of = required(closure, "Newton's method")
        pairs = trainable(self)
        parameters = [p for p, _ in pairs]
        with torch.enable_grad():
            slopes = torch.autograd.grad(loss_of(), parameters, create_graph=True, materialize_grads=True)
            slope = torch.cat([part.flatten() for part in slopes])
            rows = [_row(part, parameters) for part in slope]
        decay = torch.cat([p.new_full((p.numel(),), group["weight_decay"]) for p, group in pairs])
        flat = torch.cat([p.flatten() for p in parameters])
        slope = slope.detach() + decay * flat
        matrix = torch.stack(rows) + torch.diag(decay)
        moved = self._solve((matrix + matrix.T) / 2, slope)
        start = 0
        for p, group in pairs:
            p.add_(moved[start : start + p.numel()].view_as(p), alpha=-group["lr"])
            start += p.numel()

    def _solve(self, matrix: Tensor, slope: Tensor) -> Tensor:
        if not self._saddle_free:
            eye = self._damping * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
            solved, singular = torch.linalg.solve_ex(matrix + eye, slope)
            # A singular Hessian has no such step; the gradient always has one.
            return slope if int(singular) else solved
        values, vectors = torch.linalg.eigh(matrix)
        moved: Tensor = vectors @ ((vectors.T @ slope) / (values.abs() + self._damping))
        return moved


def _row(slope: Tensor, parameters: list[Tensor]) -> Tensor:
    if not slope.requires_grad:
        return torch.cat([torch.zeros_like(p).flatten() for p in parameters])
    parts = torch.autograd.grad(slope, parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts])
