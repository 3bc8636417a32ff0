"""Newton steps, for problems small enough to compute the Hessian."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def slope_and_curvature(function: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient, (n,), and the Hessian, (n, n), of a function at a point.

    >>> slope_and_curvature(lambda w: (w**2).sum(), torch.tensor([3.0]))
    (tensor([6.]), tensor([[2.]]))
    """
    return torch.func.grad(function)(at), torch.func.jacrev(torch.func.grad(function))(at)


def newton_step(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Jump to the stationary point of the local quadratic, w - H^-1 g: a minimum, a maximum or a saddle.

    >>> newton_step(lambda w: (w**2).sum(), torch.tensor([3.0, 4.0]))
    tensor([0., 0.])
    """
    gradient, hessian = slope_and_curvature(function, at)
    step: Tensor = torch.linalg.solve(hessian, gradient)
    return at - step


def saddle_free_step(function: Callable[[Tensor], Tensor], at: Tensor, *, damping: float = 1e-3) -> Tensor:
    """Step by w - |H|^-1 g, where |H| has the eigenvalues' absolute values (Dauphin et al. 2014).

    Along directions of negative curvature, Newton's step climbs to the saddle; this one descends.

    Args:
        function: (n,) to a number.
        at: where to start, (n,).
        damping: smallest curvature assumed, which bounds the step where the function is flat.

    >>> saddle_free_step(lambda w: w[0] ** 2 - w[1] ** 2, torch.tensor([1.0, 0.1]))
    tensor([0.0000, 0.2000])
    """
    gradient, hessian = slope_and_curvature(function, at)
    values, vectors = torch.linalg.eigh(hessian)
    step: Tensor = vectors @ ((vectors.T @ gradient) / values.abs().clamp(min=damping))
    return at - step
