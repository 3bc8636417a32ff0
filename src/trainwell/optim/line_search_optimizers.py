"""Optimizers that look at the loss again within a step: L-BFGS, Newton, saddle-free Newton and vSGD.

Their `step` takes a closure that returns the loss of the same batch with its graph and does *not* call backward.
Without one there is no curvature, and they refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainwell.core.errors import UsageError

Loss = Callable[[], Tensor]
LARGEST = 2_000  # numbers whose Hessian is written down: 2,000 x 2,000 takes 16 MB and seconds


def _required(closure: Any, name: str) -> Loss:
    if closure is None:
        raise UsageError(f"{name} must be given a closure that returns the loss: optimizer.step(closure).")
    return closure  # type: ignore[no-any-return]


def _learning(built: Optimizer) -> list[tuple[Tensor, dict[str, Any]]]:
    """Return the parameters that are not frozen at the time, each with its group."""
    return [(p, group) for group in built.param_groups for p in group["params"] if p.requires_grad]


@final
class LBFGS(torch.optim.LBFGS):
    """Limited-memory BFGS: the last steps and slopes stand for the inverse curvature (Liu and Nocedal 1989).

    One direction and one line search (strong Wolfe conditions) per call of `step`; made for whole batches.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to the slope).
        lr: first length the line search tries.
        history: steps remembered; memory of 2 * history * weights.

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
        loss_of = _required(closure, "L-BFGS")

        def evaluate() -> float:
            self.zero_grad()
            with torch.enable_grad():
                loss = loss_of()
                penalty = sum(0.5 * decay * p.square().sum() for p, decay in self._decays if decay)
                total = loss + penalty
                total.backward()
            return float(total.detach())

        super().step(evaluate)  # type: ignore[no-untyped-call]


@final
class Newton(Optimizer):
    """Newton's step on the Hessian of the batch, w - r (H + d I)^-1 g; saddle-free: |H| in place of H.

    Plain Newton jumps to the stationary point of the local quadratic, be it a minimum or a saddle; saddle-free
    (Dauphin et al. 2014) takes the absolute values of the curvatures and goes down.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to slope and curvature).
        lr: 1 jumps all the way.
        damping: d; added to every curvature.
        saddle_free: whether to take absolute curvatures.
    Raises:
        UsageError: if there are more than 2,000 numbers: the Hessian has the square of them.

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
        self._damping, self._saddle_free = damping, saddle_free
        size = sum(p.numel() for group in self.param_groups for p in group["params"])
        if size > LARGEST:
            raise UsageError(
                f"Newton's method must have at most {LARGEST:,} weights to write its Hessian down, got {size:,}. "
                "Make the network smaller, or choose optim.name = 'kfac' or 'lbfgs'."
            )

    @torch.no_grad()
    def step(self, closure: Loss | None = None) -> None:  # type: ignore[override]
        """Take one step; `closure` returns the loss with its graph."""
        loss_of = _required(closure, "Newton's method")
        pairs = _learning(self)
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
            # A singular Hessian has no such step; going down the slope is always possible.
            return slope if int(singular) else solved
        values, vectors = torch.linalg.eigh(matrix)
        moved: Tensor = vectors @ ((vectors.T @ slope) / (values.abs() + self._damping))
        return moved


def _row(slope: Tensor, parameters: list[Tensor]) -> Tensor:
    if not slope.requires_grad:
        return torch.cat([torch.zeros_like(p).flatten() for p in parameters])
    parts = torch.autograd.grad(slope, parameters, retain_graph=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts])


class Variance(NamedTuple):
    """What vSGD remembers of each weight: running means, and over how many steps they run.

    Args:
        mean: of the gradient.
        square: of the squared gradient.
        curvature: of the curvature's size.
        memory: steps the means reach back; short while the gradient is steady, long in noise.
    """

    mean: Tensor
    square: Tensor
    curvature: Tensor
    memory: Tensor


def start_variance(gradient: Tensor, curvature: Tensor, *, overestimate: float = 10.0) -> Variance:
    """Return the memory of vSGD before its first step; too large a variance keeps the first steps small."""
    tiny = torch.finfo(gradient.dtype).tiny
    square = (gradient * gradient).clamp(min=tiny) * overestimate
    return Variance(gradient.clone(), square, curvature.clamp(min=tiny), torch.full_like(gradient, 2.0))


def vsgd(
    weight: Tensor, gradient: Tensor, curvature: Tensor, memory: Variance, *, learning_rate: Tensor | float = 1.0
) -> tuple[Tensor, Variance]:
    """Step with the rate that is best for a noisy quadratic, each weight its own (Schaul, Zhang, LeCun 2013).

    With running means E over t steps, rate = E[g]² / (E[|h|] E[g²]): the signal's share of the gradient over the
    curvature. Then t <- (1 - E[g]² / E[g²]) t + 1. A pure function; works under `torch.func.vmap`.

    Args:
        weight: any shape.
        gradient: of the same shape.
        curvature: of the same shape, the size of the diagonal of the Hessian.
        memory: what the last call returned, or `start_variance`.
        learning_rate: factor on the rate found; 1 is the law.

    >>> one = torch.ones(1)
    >>> memory = Variance(one, one, 2 * one, one)
    >>> vsgd(3 * one, one, 2 * one, memory)[0]
    tensor([2.5000])
    """
    share = 1 / memory.memory
    mean = torch.lerp(memory.mean, gradient, share)
    square = torch.lerp(memory.square, gradient * gradient, share)
    height = torch.lerp(memory.curvature, curvature, share)
    tiny = torch.finfo(weight.dtype).tiny
    signal = (mean * mean / square.clamp(min=tiny)).clamp(max=1.0)
    # A weight whose curvature was never seen (a dead unit) has no slope either, and stays.
    rate = torch.where(height > tiny, signal / height.clamp(min=tiny), torch.zeros_like(height))
    new = weight - learning_rate * rate * gradient
    return new, Variance(mean, square, height, (1 - signal) * memory.memory + 1)


@final
class VSGD(Optimizer):
    """Variance-based SGD (Schaul, Zhang, LeCun 2013): no rate to choose.

    The curvature comes from a second gradient of the same batch, a mean gradient away (Schaul and LeCun 2013), so a
    step costs two. Curvatures below the mean of their tensor count as that mean: on the flat parts of rectifiers
    finite differences see none, and the rate would be boundless.

    Args:
        params: tensors, or groups with "params" and "weight_decay" (added to slope and curvature).
        lr: factor on the rates found; 1 is the law.

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
        loss_of = _required(closure, "vSGD")
        pairs = _learning(self)
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
            new, memory = vsgd(old, g, curvature, memory, learning_rate=group["lr"])
            p.copy_(new)
            state.update(memory._asdict())

    def _slopes(self, loss_of: Loss, pairs: list[tuple[Tensor, dict[str, Any]]]) -> list[Tensor]:
        with torch.enable_grad():
            slopes = torch.autograd.grad(loss_of(), [p for p, _ in pairs], materialize_grads=True)
        return [slope + group["weight_decay"] * p for slope, (p, group) in zip(slopes, pairs, strict=True)]


def _shift(mean: Tensor, weight: Tensor) -> Tensor:
    """Return how far to look: the mean gradient, but far enough for the difference to be seen above rounding."""
    least = 1e-3 * weight.abs().mean().clamp(min=1e-3)
    return torch.where(mean < 0, -1.0, 1.0).to(mean.dtype) * mean.abs().clamp(min=float(least))
