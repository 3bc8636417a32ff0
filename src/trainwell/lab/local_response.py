"""Local response normalisation makes neighbouring channels at one position compete: a strong one suppresses others.

Each activation is divided by (2 + 1e-4/5 · sum of squares over five channels)^0.75 (Krizhevsky et al. 2012, section
3.3). With activations of a few hundred the sum matters, and a channel beside a strong one is suppressed; small
activations only shrink by 2^0.75. Later networks found batch norm more effective.
"""

from __future__ import annotations

import torch

from trainwell.core.figure import Axes, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, at_least, near, result
from trainwell.nn import NORMALISATIONS

_CHANNELS = 16
_STRONG = 8


def run(conditions: Conditions) -> Result:
    """Give one channel a strong activation, and compare its neighbours before and after."""
    norm = NORMALISATIONS["local_response"](_CHANNELS)
    before = torch.full((1, _CHANNELS, 1, 1), 100.0, dtype=torch.float64)
    before[0, _STRONG] = 1000.0
    after = norm(before)
    squares = [float(before[0, max(0, k - 2) : k + 3].square().sum()) for k in range(_CHANNELS)]
    formula = before[0, :, 0, 0] / (2 + 1e-4 / 5 * torch.tensor(squares, dtype=torch.float64)) ** 0.75
    kept = (after / before)[0, :, 0, 0]
    small = norm(torch.full((1, _CHANNELS, 1, 1), 0.01, dtype=torch.float64)) / 0.01
    activations = curves({"": before.flatten().tolist()})
    figure = Figure(
        "Channel 8 is ten times as strong as the others: it and two neighbours on each side are suppressed.",
        (
            Panel("Activations before: one is strong", "channel", "activation", activations),
            Panel(
                "Ratio after / before",
                "channel",
                "ratio",
                curves({"": kept.tolist()}),
                axes=Axes(spans=(None, (0.0, 0.7))),
            ),
        ),
    )
    error = float((after[0, :, 0, 0] - formula).abs().max())
    return result(
        {
            "largest difference from the formula": (error, near(0, within=1e-6)),
            "ratio far away / beside the strong channel": (float(kept[0] / kept[_STRONG + 1]), at_least(2)),
            "ratio of small activations": (float(small[0, 5]), near(2**-0.75, within=1e-4)),
        },
        figure,
    )
