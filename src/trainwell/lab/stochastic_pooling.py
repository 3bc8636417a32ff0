"""Stochastic pooling draws an activation with a probability proportional to its size, and predicts the mean draw.

A window (0, 1, 2, 5) passes on 5 with probability 5/8, and 0 never. At prediction it passes on the expected value,
Σ a² / Σ a = 30/8: between average pooling, 2, and max pooling, 5 (Zeiler and Fergus 2013).
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import Axes, Field, Figure, Level, Panel, curve
from trainwell.lab.learning import images
from trainwell.lab.result import Conditions, Result, mean_of, near, result
from trainwell.lab.seeds import mean_curve, repeat
from trainwell.nn.layers import StochasticPool2d

_DRAWS = 40_000
_WINDOW = torch.tensor([0.0, 1.0, 2.0, 5.0])


def _once() -> Tensor:
    """Pool one window many times."""
    drawn: Tensor = StochasticPool2d(2)(_WINDOW.view(1, 1, 2, 2).expand(_DRAWS, -1, -1, -1))
    return drawn.flatten()


def _shown(title: str, image: Tensor) -> Panel:
    rows = tuple(tuple(map(float, row)) for row in image.flip(0))
    side = float(len(rows))
    return Panel(title, "column", "row", field=Field(rows), axes=Axes(spans=((0.0, side), (0.0, side)), square=True))


def run(conditions: Conditions) -> Result:
    """Pool one window many times, and an image once."""
    draws = repeat(conditions, _once)
    fractions = [[float((drawn == value).float().mean()) for value in _WINDOW] for drawn in draws]
    mean = mean_of([drawn.mean().item() for drawn in draws])
    pool = StochasticPool2d(2).eval()
    predicted = pool(_WINDOW.view(1, 1, 2, 2)).item()
    image = images(conditions, train=10, held=1).inputs[0, :1, :1]
    image = image - image.min()
    names = tuple(f"{value:g}" for value in _WINDOW.tolist())
    theory = curve("theory", _WINDOW / _WINDOW.sum(), kind="bars", colour=-1)
    methods = ("average", "stochastic", "max")
    values = curve("", [2.0, predicted, 5.0], kind="bars")
    figure = Figure(
        "Large activations are drawn often; at prediction their expected value is used, without noise.",
        (
            Panel(
                "Which activation is passed on",
                "activation",
                "fraction of draws",
                (theory, mean_curve("drawn", fractions, kind="bars")),
                axes=Axes(categories=names),
            ),
            Panel(
                "Output of the window",
                "pooling",
                "value",
                (values,),
                levels=(Level(mean.mean, "mean draw"),),
                axes=Axes(categories=methods),
            ),
            _shown("An image before pooling", image[0, 0]),
            _shown("The same, pooled at prediction", pool(image)[0, 0]),
        ),
    )
    return result(
        {
            "fraction of 5": (mean_of([row[3] for row in fractions]), near(5 / 8, within=0.01)),
            "fraction of 0": (mean_of([row[0] for row in fractions]), near(0)),
            "prediction": (predicted, near(30 / 8, within=1e-6)),
            "mean of the draws": (mean, near(30 / 8, within=0.03)),
        },
        figure,
    )
