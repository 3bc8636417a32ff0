"""Stochastic pooling draws an activation in proportion to its size, and predicts the mean of its draws.

A window (0, 1, 2, 5) passes on 5 with probability 5/8, never 0. At prediction it passes on the mean of the draws,
Σ a² / Σ a = 30/8: between average pooling, 2, and max pooling, 5 (Zeiler and Fergus 2013).
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import Field, Figure, Level, Panel, curve
from trainwell.lab.learning import pictures
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.nn.layers import StochasticPool2d

_DRAWS = 40_000


def _shown(title: str, picture: Tensor) -> Panel:
    rows = tuple(tuple(map(float, row)) for row in picture.flip(0))
    side = float(len(rows))
    return Panel(title, "column", "row", field=Field(rows), spans=((0.0, side), (0.0, side)), square=True)


def run(conditions: Conditions) -> Result:
    """Pool one window often, and a picture once."""
    window, pool = torch.tensor([0.0, 1.0, 2.0, 5.0]), StochasticPool2d(2)
    drawn = pool(window.view(1, 1, 2, 2).expand(_DRAWS, -1, -1, -1)).flatten()
    predicted = pool.eval()(window.view(1, 1, 2, 2)).item()
    shares = [float((drawn == value).float().mean()) for value in window]
    picture = pictures(conditions, train=10, held=1).inputs[:1, :1]
    picture = picture - picture.min()
    names = tuple(f"{value:g}" for value in window.tolist())
    law = curve("law", window / window.sum(), kind="bars", colour=-1)
    bars = (law, curve("drawn", shares, kind="bars"))
    ways = curve("", [2.0, predicted, 5.0], kind="bars")
    mean = Level(drawn.mean().item(), "mean draw")
    kinds = ("average", "stochastic", "max")
    figure = Figure(
        "Large activations are drawn often; at prediction their mean is taken, so that the picture is calm.",
        (
            Panel("Which activation is passed on", "activation", "share of draws", bars, categories=names),
            Panel("Values passed on", "way of pooling", "value", (ways,), levels=(mean,), categories=kinds),
            _shown("A picture before pooling", picture[0, 0]),
            _shown("The same, pooled at prediction", pool(picture)[0, 0]),
        ),
    )
    return result(
        {
            "share of 5": (shares[3], near(5 / 8, within=0.01)),
            "share of 0": (shares[0], near(0)),
            "prediction": (predicted, near(30 / 8, within=1e-6)),
            "mean of the draws": (drawn.mean().item(), near(30 / 8, within=0.03)),
        },
        figure,
    )
