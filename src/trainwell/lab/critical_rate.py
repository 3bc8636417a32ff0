"""Plain gradient descent on z = 10x² + 2.5y² converges exactly when the rate is below 1/10.

A step multiplies x by 1 - 20 rate and y by 1 - 5 rate. Both shrink while |1 - 20 rate| < 1: the steepest direction
alone decides, 2 divided by the largest curvature. Measured here by halving an interval of rates.
"""

from __future__ import annotations

import functools

import torch

from trainwell.core.figure import LOG_Y, Figure, Level, Panel, Series, curves
from trainwell.lab.descent import field, heights, ravine, walk
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result

_START = (0.9, 1.6)


def critical_rate(steps: int = 100) -> float:
    """Find by bisection the largest rate at which z still falls between `steps` and twice as many steps."""
    low, high = 0.01, 0.3
    while high - low > 1e-8:
        rate = (low + high) / 2
        (x, y), before = _START, 0.0
        for step in range(2 * steps):
            if step == steps:
                before = 10 * x**2 + 2.5 * y**2
            x, y = x - rate * 20 * x, y - rate * 5 * y
        low, high = (rate, high) if 10 * x**2 + 2.5 * y**2 < before else (low, rate)
    return low


def run(conditions: Conditions) -> Result:
    """Walk at rates around the critical one, and find it."""
    rates = (0.02, 0.09, 0.101)
    walks = {str(rate): walk(ravine, _START, functools.partial(torch.optim.SGD, lr=rate), steps=60) for rate in rates}
    ends = {name: heights(ravine, points)[-1] for name, points in walks.items()}
    spans = ((-1.2, 1.2), (-2.0, 2.0))
    paths = tuple(Series(f"rate {name}", points, "path", i) for i, (name, points) in enumerate(walks.items()))
    falls = curves({f"rate {name}": heights(ravine, points) for name, points in walks.items()})
    swept = [0.002 * step for step in range(1, 60)]
    shrink = {"x, steep": [abs(1 - 20 * rate) for rate in swept], "y, flat": [abs(1 - 5 * rate) for rate in swept]}
    figure = Figure(
        "0.02 crawls, 0.09 zigzags home, 0.101 zigzags away: the steep direction sets the limit of 0.1.",
        (
            Panel("The way from the same start", "x", "y", paths, field=field(ravine, *spans), spans=spans),
            Panel("0.101 climbs for ever", "step", "z", falls, logs=LOG_Y),
            Panel("Below 1, a direction shrinks", "rate", "each step multiplies by", curves(shrink, xs=swept),
                  levels=(Level(1.0, "stays"), Level(0.1, "1/10", vertical=True))),
        ),
    )  # fmt: skip
    return result(
        {
            "critical rate": (critical_rate(), near(0.1, within=1e-6)),
            "z after 60 steps at 0.09": (ends["0.09"], at_most(1e-3)),
            "z after 60 steps at 0.101": (ends["0.101"], at_least(ends["0.09"] + 10)),
        },
        figure,
    )
