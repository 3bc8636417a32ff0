"""Newton's method solves a quadratic in one step; near a saddle point only the absolute curvature helps.

The worked example x² + x(1 - y) + y² - yz + z² + z has the Hessian [[2, -1, 0], [-1, 2, -1], [0, -1, 2]]. Its leading
minors are 2, 3 and 4, all positive: a minimum, at (-1, -1, -1), and Newton's step finds it from anywhere. Near a saddle
point Newton's step climbs to it; the saddle-free step descends (Dauphin et al. 2014).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainwell.core.figure import Axes, Curve, Figure, Panel, Point, curves
from trainwell.lab.descent import field, heights
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.optim.second_order import newton_step, saddle_free_step, slope_and_curvature


def _worked(w: Tensor) -> Tensor:
    x: Tensor
    y: Tensor
    z: Tensor
    x, y, z = w
    return x**2 + x * (1 - y) + y**2 - y * z + z**2 + z


def _saddle(x: Tensor, y: Tensor) -> Tensor:
    return x**2 - y**2 + 0.25 * y**4


def run(conditions: Conditions) -> Result:
    """Take the steps, and compare them near a saddle point with gradient descent."""
    start = torch.tensor([2.0, -3.0, 5.0], dtype=torch.float64)
    _, hessian = slope_and_curvature(_worked, start)
    minors = [float(torch.linalg.det(hessian[:size, :size])) for size in (1, 2, 3)]
    end = newton_step(_worked, start)

    def at(w: Tensor) -> Tensor:
        return _saddle(w[0], w[1])

    steps: dict[str, Callable[[Tensor], Tensor]] = {
        "gradient descent": lambda w: w - 0.05 * slope_and_curvature(at, w)[0],
        "Newton": lambda w: newton_step(at, w),
        "saddle-free": lambda w: saddle_free_step(at, w),
    }
    walks: dict[str, tuple[Point, ...]] = {}
    for name, step in steps.items():
        points = [torch.tensor([0.9, 0.3], dtype=torch.float64)]
        for _ in range(12):
            points.append(step(points[-1]).detach())
        walks[name] = tuple((float(p[0]), float(p[1])) for p in points)
    spans = ((-0.5, 1.1), (-0.4, 2.0))
    paths = tuple(Curve(name, points, "path", number) for number, (name, points) in enumerate(walks.items()))
    falls = curves({name: heights(_saddle, points) for name, points in walks.items()})
    figure = Figure(
        "Newton steps to the saddle point (0, 0) and stays; the saddle-free step finds the minimum (0, 1.41).",
        (
            Panel(
                "Twelve steps from the same start",
                "x",
                "y",
                paths,
                field=field(_saddle, spans[0], y=spans[1]),
                axes=Axes(spans=spans),
            ),
            Panel("Value: minimum −1, saddle 0", "step", "value", falls),
        ),
    )
    return result(
        {
            "first minor": (minors[0], near(2, within=1e-9)),
            "second minor": (minors[1], near(3, within=1e-9)),
            "determinant": (minors[2], near(4, within=1e-9)),
            "Newton, one step: largest error": (float((end + 1).abs().max()), near(0, within=1e-9)),
            "saddle: final value, Newton": (heights(_saddle, walks["Newton"])[-1], near(0, within=1e-9)),
            "saddle: final value, saddle-free": (heights(_saddle, walks["saddle-free"])[-1], near(-1, within=1e-6)),
        },
        figure,
    )
