"""One hidden layer of steep sigmoids approximates any continuous function: twice the units, half the error.

Two sigmoids of opposite sign make a bump. One bump for each of n equal intervals, as high as the function in its
middle, gives a step function whose error falls as 1/n (Cybenko 1989 proves it for all continuous functions; the
construction is Nielsen's). No training is involved: the weights are computed directly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainwell.core.figure import LOG_BOTH, Axes, Figure, Panel, curve, curves
from trainwell.lab.result import Conditions, Result, near, result


def _target(x: Tensor) -> Tensor:
    return 0.2 + 0.4 * x**2 + 0.3 * x * torch.sin(15 * x) + 0.05 * torch.cos(50 * x)


def network(x: Tensor, bumps: int) -> Tensor:
    """Return the output, (points,), of one hidden layer with two sigmoid units for each bump."""
    edges = torch.linspace(0, 1, bumps + 1)
    steep = 50.0 * bumps
    # The outermost edges lie outside [0, 1], so that the first and last bump are complete at 0 and 1.
    left = edges[:-1] - (edges[:-1] == 0) * 1.0
    right = edges[1:] + (edges[1:] == 1) * 1.0
    hidden = torch.sigmoid(steep * (x[:, None] - left)) - torch.sigmoid(steep * (x[:, None] - right))
    return hidden @ _target((edges[1:] + edges[:-1]) / 2)


def run(conditions: Conditions) -> Result:
    """Approximate one function with an increasing number of units."""
    x = torch.linspace(0, 1, 801)
    counts = (4, 8, 16, 32, 64, 128)
    outputs = {count: network(x, count) for count in counts}
    errors = [float((outputs[count] - _target(x)).square().mean().sqrt()) for count in counts]
    slope = math.log(errors[5] / errors[2]) / math.log(counts[5] / counts[2])
    units = [2 * count for count in counts]
    panels = [
        Panel(
            f"{2 * count} hidden units",
            "input",
            "output",
            curves({"target": _target(x), "network": outputs[count]}, xs=x),
            axes=Axes(spans=((0.0, 1.0), (0.0, 1.0))),
        )
        for count in (4, 16, 64)
    ]
    law = curve("1/units", [errors[3] * units[3] / unit for unit in units], xs=units, colour=-1)
    fall = Panel(
        "Root mean squared error",
        "hidden units",
        "error",
        (curve("error", errors, xs=units, colour=1), law),
        axes=Axes(logs=LOG_BOTH),
    )
    return result(
        {
            "slope of log error over log units": (slope, near(-1, within=0.1)),
            "error with 128 units / 256 units": (errors[4] / errors[5], near(2, within=0.2)),
        },
        Figure("More units, finer steps: the network approximates the target as closely as required.", (*panels, fall)),
    )
