"""Jacobian, Hessian, largest curvature, conditions for a minimum, gradient check (docs/curriculum.md, E6).

All take plain functions or losses of PyTorch; nothing here is needed to train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor


def jacobian(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Return all first derivatives, (m, n): row i is the gradient of output i.

    Args:
        function: (n,) to (m,).
        at: where, (n,).

    >>> jacobian(lambda w: torch.stack([w[0] * w[1], w[0]]), torch.tensor([2.0, 3.0]))
    tensor([[3., 2.],
            [1., 0.]])
    """
    return torch.func.jacrev(function)(at)  # type: ignore[no-any-return]


def hessian(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Return all second derivatives, (n, n), symmetric.

    Args:
        function: (n,) to a number.
        at: where, (n,).

    >>> hessian(lambda w: w[0] ** 2 - w[0] * w[1], torch.tensor([0.0, 0.0]))
    tensor([[ 2., -1.],
            [-1.,  0.]])
    """
    return torch.func.jacrev(torch.func.grad(function))(at)  # type: ignore[no-any-return]


class Point(NamedTuple):
    """A point of a function, classified by its gradient and its Hessian.

    Args:
        kind: "minimum", "maximum", "saddle", "slope" (not stationary) or "flat" (a curvature is zero: the
            second derivatives do not decide).
        slope: norm of the gradient, 0 at a stationary point.
        curvatures: (n,) eigenvalues of the Hessian, smallest first.
        minors: (n,) determinants of the leading squares of the Hessian; all positive at a minimum (Sylvester).
    """

    kind: str
    slope: float
    curvatures: Tensor
    minors: Tensor


def classify_point(function: Callable[[Tensor], Tensor], at: Tensor, *, tolerance: float = 1e-6) -> Point:
    """Check the conditions for a minimum: the gradient is zero and all curvatures are positive.

    Args:
        function: (n,) to a number.
        at: where, (n,).
        tolerance: a gradient norm or a curvature below it counts as zero.

    >>> found = classify_point(lambda w: w[0] ** 2 - w[1] ** 2, torch.zeros(2))
    >>> found.kind, found.curvatures.tolist(), found.minors.tolist()
    ('saddle', [-2.0, 2.0], [2.0, -4.0])
    """
    slope = float(torch.func.grad(function)(at).norm())
    matrix = hessian(function, at)
    curvatures = torch.linalg.eigvalsh(matrix)
    minors = torch.stack([torch.linalg.det(matrix[:size, :size]) for size in range(1, len(matrix) + 1)])
    low = float(curvatures[0])
    high = float(curvatures[-1])
    if slope > tolerance:
        kind = "slope"
    elif low > tolerance:
        kind = "minimum"
    elif high < -tolerance:
        kind = "maximum"
    else:
        kind = "saddle" if low < -tolerance and high > tolerance else "flat"
    return Point(kind, slope, curvatures, minors)


def top_curvature(loss: Callable[[], Tensor], parameters: Iterable[Tensor], *, steps: int = 30, seed: int = 0) -> float:
    """Return the eigenvalue of the Hessian with the largest absolute value, by power iteration.

    Takes the memory of a few gradients. Gradient descent diverges along its direction once the learning rate exceeds
    2 / curvature (LeCun et al. 1998).

    Args:
        loss: returns the loss with its graph, the same at every call.
        parameters: of the loss.
        steps: Hessian-vector products to compute.
        seed: of the first vector.

    >>> w = torch.ones(2, requires_grad=True)
    >>> round(top_curvature(lambda: 10 * w[0] ** 2 + 2.5 * w[1] ** 2, [w]), 4)
    20.0
    """
    chosen = [parameter for parameter in parameters if parameter.requires_grad]
    gradients = torch.autograd.grad(loss(), chosen, create_graph=True, materialize_grads=True)
    generator = torch.Generator().manual_seed(seed)
    vector = [torch.randn(p.shape, generator=generator, dtype=p.dtype).to(p.device) for p in chosen]
    value = 0.0
    for _ in range(steps):
        norm = torch.stack([part.square().sum() for part in vector]).sum().sqrt().clamp(min=1e-30)
        vector = [part / norm for part in vector]
        inner = sum((g * part).sum() for g, part in zip(gradients, vector, strict=True))
        if not isinstance(inner, Tensor) or not inner.requires_grad:
            return 0.0
        products = torch.autograd.grad(inner, chosen, retain_graph=True, materialize_grads=True)
        value = float(sum((a * b).sum() for a, b in zip(products, vector, strict=True)))
        vector = [product.detach() for product in products]
    return value


def numerical_gradient(function: Callable[[Tensor], Tensor], at: Tensor, *, h: float = 1e-5) -> Tensor:
    """Return the gradient by central differences, (f(w + h) - f(w - h)) / 2h for each number, of the shape of `at`.

    Its own error is of the order of h² + (precision / h): use float64.

    >>> numerical_gradient(lambda w: (w**3).sum(), torch.tensor([1.0, 2.0], dtype=torch.float64))
    tensor([ 3.0000, 12.0000], dtype=torch.float64)
    """
    flat = at.detach().flatten()
    slopes = []
    with torch.no_grad():
        for index in range(len(flat)):
            shift = torch.zeros_like(flat)
            shift[index] = h
            up, down = ((flat + s).view_as(at) for s in (shift, -shift))
            slopes.append((function(up) - function(down)) / (2 * h))
    return torch.stack(slopes).view_as(at)


def gradient_error(
    function: Callable[[Tensor], Tensor], at: Tensor, *, gradient: Tensor | None = None, h: float = 1e-5
) -> float:
    """Return the relative error of a gradient against central differences, |a - n| / (|a| + |n|).

    That of a correct gradient is below 1e-7.

    Args:
        function: numbers of the shape of `at` to a number; float64.
        at: where.
        gradient: what to check; None checks that of autograd.
        h: half the distance of the differences.

    >>> gradient_error(lambda w: (w**2).sum(), torch.ones(3, dtype=torch.float64)) < 1e-7
    True
    """
    given = torch.func.grad(function)(at) if gradient is None else gradient
    numerical = numerical_gradient(function, at, h=h)
    size = float(given.norm() + numerical.norm())
    return float((given - numerical).norm()) / size if size else 0.0
