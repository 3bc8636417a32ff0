"""Gradient descent on z = 10x² + 2.5y² converges if and only if the learning rate is below 1/10.

A step multiplies x by 1 - 20 rate and y by 1 - 5 rate. Both shrink while |1 - 20 rate| < 1: the steepest direction
alone decides, and the critical rate is 2 divided by the largest curvature. Measured here by bisection.
"""

from __future__ import annotations

import functools

import torch

from trainwell.core.figure import LOG_Y, Axes, Curve, Figure, Level, Panel, curves
from trainwell.lab.descent import field, heights, ravine, walk
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result

_START = (0.9, 1.6)


def critical_rate(steps: int = 100) -> float:
    """Find by bisection the largest learning rate at which z still falls from step `steps` to twice that step."""
    low = 0.01
    high = 0.3
    while high - low > 1e-8:
        rate = (low + high) / 2
        x, y = _START
        before = 0.0
        for step in range(2 * steps):
            if step == steps:
                before = 10 * x**2 + 2.5 * y**2
            x = x - rate * 20 * x
            y = y - rate * 5 * y
        if 10 * x**2 + 2.5 * y**2 < before:
            low = rate
        else:
            high = rate
    return low


def run(conditions: Conditions) -> Result:
    """Descend at learning rates around the critical one, and find it."""
    rates = (0.02, 0.09, 0.101)
    walks = {
        str(rate): walk(ravine, _START, make=functools.partial(torch.optim.SGD, lr=rate), steps=60) for rate in rates
    }
    ends = {name: heights(ravine, points)[-1] for name, points in walks.items()}
    spans = ((-1.2, 1.2), (-2.0, 2.0))
    paths = tuple(Curve(f"rate {name}", points, "path", i) for i, (name, points) in enumerate(walks.items()))
    falls = curves({f"rate {name}": heights(ravine, points) for name, points in walks.items()})
    swept = [0.002 * step for step in range(1, 60)]
    factors = {"x, steep": [abs(1 - 20 * rate) for rate in swept], "y, flat": [abs(1 - 5 * rate) for rate in swept]}
    limits = (Level(1.0, "no change"), Level(0.1, "1/10", vertical=True))
    figure = Figure(
        "0.02 is slow, 0.09 oscillates but converges, 0.101 diverges: the steep direction sets the limit.",
        (
            Panel(
                "Paths from the same start",
                "x",
                "y",
                paths,
                field=field(ravine, spans[0], y=spans[1]),
                axes=Axes(spans=spans),
            ),
            Panel("At 0.101 the loss diverges", "step", "z", falls, axes=Axes(logs=LOG_Y)),
            Panel(
                "Factor per step: below 1 a direction converges",
                "learning rate",
                "factor",
                curves(factors, xs=swept),
                levels=limits,
            ),
        ),
    )
    return result(
        {
            "critical learning rate": (critical_rate(), near(0.1, within=1e-6)),
            "z after 60 steps at 0.09": (ends["0.09"], at_most(1e-3)),
            "z after 60 steps at 0.101": (ends["0.101"], at_least(ends["0.09"] + 10)),
        },
        figure,
    )
