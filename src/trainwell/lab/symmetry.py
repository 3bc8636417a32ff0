"""Units that start equal stay equal: zero or constant weights never break the symmetry.

Units of a layer with equal weights receive equal gradients, so a hundred of them stay one. With zeros in all layers not
even that one learns: the gradients on both sides of a layer of zeros are 0, only the last bias moves, and the loss
stays at chance level. Random weights break the symmetry.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from trainwell.core.figure import LOG_Y, Axes, Figure, Level, Panel
from trainwell.lab.learning import Images, dense, hidden_weights, images, train
from trainwell.lab.result import Conditions, Interval, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve, mean_curves

_STARTS = ("zeros", "constant", "he_normal")


class _UnitCounts(NamedTuple):
    """Training losses and the number of different hidden units afterwards, for each seed."""

    losses: list[list[float]]
    units: list[float]

    @property
    def final(self) -> Interval:
        return mean_of([sum(values[-20:]) / 20 for values in self.losses])


def _learn(data: Images, start: str) -> _UnitCounts:
    """Train from one initialisation, and count how many different units there are."""
    model = dense([data.features, 100, 10], seeds=len(data.inputs), start=start)
    losses = train(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), steps=200)
    weight = hidden_weights(model)[0].detach()
    # Rounding moves equal units a little apart.
    different = (weight - weight[:, :1]).abs().amax(2) > 1e-2
    return _UnitCounts(losses, [1.0 + count for count in different.sum(1).tolist()])


def run(conditions: Conditions) -> Result:
    """Train from three initialisations."""
    data = images(conditions, train=1000)
    found = {start: _learn(data, start) for start in _STARTS}
    losses = mean_curves({start: one.losses for start, one in found.items()})
    units = mean_curve("", list(zip(*(one.units for one in found.values()), strict=True)), kind="bars")
    chance = (Level(math.log(10), "chance"),)
    spans = (None, (0.5, 200.0))
    figure = Figure(
        "From equal weights a hundred units learn the same function, from zeros nothing at all.",
        (
            Panel("Equal weights stay equal", "step", "training loss", losses, levels=chance),
            Panel(
                "Different hidden units after training",
                "initialisation",
                "units",
                (units,),
                axes=Axes(spans=spans, logs=LOG_Y, categories=_STARTS),
            ),
        ),
    )
    return result(
        {
            "different units, zeros": (mean_of(found["zeros"].units), near(1)),
            "different units, constant": (mean_of(found["constant"].units), near(1)),
            "different units, He": (mean_of(found["he_normal"].units), near(100)),
            "loss, zeros": (found["zeros"].final, near(math.log(10), within=0.03)),
            "loss, constant": (found["constant"].final, at_least(1.0)),
            "loss, He": (found["he_normal"].final, at_most(0.5)),
        },
        figure,
        remark=data.remark,
    )
