"""Descent on functions of two weights, recorded step by step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainwell.core.figure import Field, Point, landscape

Surface = Callable[[Tensor, Tensor], Tensor]


def ravine(x: Tensor, y: Tensor) -> Tensor:
    """Return z = 10 x**2 + 2.5 y**2, with four times the curvature along x."""
    return 10 * x**2 + 2.5 * y**2


def walk(
    surface: Surface,
    start: Point,
    *,
    make: Callable[[list[Tensor]], torch.optim.Optimizer],
    steps: int,
    clip: float = 0.0,
) -> tuple[Point, ...]:
    """Return the path of an optimizer from `start` on; it stops where a weight is no longer finite.

    >>> walk(ravine, (1.0, 1.0), make=lambda w: torch.optim.SGD(w, lr=0.0625), steps=1)
    ((1.0, 1.0), (-0.25, 0.6875))
    """
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([weights])
    points = [start]
    for _ in range(steps):
        optimizer.zero_grad()
        surface(weights[0], weights[1]).backward()  # type: ignore[no-untyped-call]
        if clip:
            torch.nn.utils.clip_grad_norm_([weights], clip)
        optimizer.step()
        if not weights.isfinite().all():
            break
        x, y = weights.tolist()
        points.append((x, y))
    return tuple(points)


def heights(surface: Surface, points: tuple[Point, ...]) -> list[float]:
    """Return the value of the surface at every point of a path."""
    across, up = torch.tensor(points, dtype=torch.float64).T
    return [float(height) for height in surface(across, up)]


def field(surface: Surface, x: Point, *, y: Point, count: int = 12) -> Field:
    """Evaluate a surface on a grid for a panel with these ends."""

    def measure(across: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
        return surface(torch.from_numpy(across), torch.from_numpy(up)).numpy()

    return landscape(measure, x, y=y, count=count)
