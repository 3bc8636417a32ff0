"""Limited-memory BFGS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, final

import torch
from torch.optim import Optimizer

from trainwell.optim.optimizers.closure import Loss, required
from trainwell.optim.optimizers.entry import Given


def lbfgs(given: Given, *, history: int) -> Optimizer:
    """Approximate the inverse Hessian by the last steps and gradients, and search along the direction it gives.

    Formula: w <- w - a H g, H from the last optim.history pairs of steps and gradients; a by a strong Wolfe line search
    Use: small and medium data in whole batches (train.batch_size at least the training examples), no dropout.
    Cost: about two gradients a step and 2 * history more numbers per weight.
    Source: Liu and Nocedal 1989
    """
    return LBFGS(given.groups, lr=given.learning_rate, history=history)


@final
class LBFGS(torch.optim.LBFGS):
    """Limited-memory BFGS: the last steps and gradients approximate the inverse Hessian (Liu and Nocedal 1989).

    One direction and one line search (strong Wolfe conditions) in each call of `step`; meant for whole batches.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to the gradient).
        lr: first step length that the line search tries.
        history: number of past steps that are kept; takes 2 * history * weights numbers.

    >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([w], lr=1.0)
    >>> for _ in range(5): optimizer.step(lambda: (w * torch.tensor([10.0, 2.5]) * w).sum())
    >>> bool(w.abs().max() < 1e-4)
    True
    """

    needs_closure = True

    def __init__(self, params: Iterable[Any], *, lr: float = 1.0, history: int = 10) -> None:
        given = list(params)
        groups: list[Mapping[str, Any]] = given if given and isinstance(given[0], Mapping) else [{"params": given}]
        decays = [(list(group["params"]), float(group.get("weight_decay", 0.0))) for group in groups]
        self._decays = [(parameter, decay) for parameters, decay in decays for parameter in parameters]
        super().__init__(
            [parameter for parameter, _ in self._decays],
            lr=lr,
            max_iter=1,
            max_eval=30,
            history_size=history,
            line_search_fn="strong_wolfe",
        )

    def step(self, closure: Loss | None = None) -> None:  # type: ignore[override]
        """Take one step; `closure` returns the loss with its graph."""
        loss_of = required(closure, "L-BFGS")

        def evaluate() -> float:
            self.zero_grad()
            with torch.enable_grad():
                loss = loss_of()
                penalty = sum(0.5 * decay * p.square().sum() for p, decay in self._decays if decay)
                total = loss + penalty
                total.backward()
            return float(total.detach())

        super().step(evaluate)  # type: ignore[no-untyped-call]
