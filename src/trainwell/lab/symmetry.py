"""Units that start equal stay equal: zero or constant weights never break the symmetry.

Units of a layer with equal weights get equal gradients, so that a hundred of them stay one. With zeros in all layers
not even that one learns: behind and before a layer of zeros gradients are 0, only the last bias moves, and the loss
stays at chance. Random weights break the tie.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from trainwell.core.figure import LOG_Y, Figure, Level, Panel, curve, curves
from trainwell.lab.learning import dense, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result
from trainwell.nn import initialise


def run(conditions: Conditions) -> Result:
    """Train from three starts, and count how many different units there are."""
    data = pictures(conditions, train=1000)
    losses, units = {}, {}
    for name in ("zeros", "constant", "he_normal"):
        model = dense([data.inputs[0].numel(), 100, 10])
        initialise(model, name, seed=0)
        losses[name] = learn(model, data, torch.optim.SGD(model.parameters(), lr=0.1), steps=200)
        first = next(layer for layer in model if isinstance(layer, nn.Linear))
        weight = first.weight.detach()
        # Rounding sets equal units a little apart.
        units[name] = 1 + int(((weight - weight[0]).abs().amax(1) > 1e-2).sum())
    names = tuple(losses)
    figure = Figure(
        "From equal weights a hundred units learn the same thing, from zeros nothing at all.",
        (
            Panel("Equal weights stay equal", "step", "loss", curves(losses), levels=(Level(math.log(10), "chance"),)),
            Panel("Different hidden units after training", "start", "units", (curve("", units.values(), kind="bars"),),
                  logs=LOG_Y, spans=(None, (0.5, 200.0)), categories=names),
        ),
    )  # fmt: skip
    return result(
        {
            "different units, zeros": (units["zeros"], near(1)),
            "different units, constant": (units["constant"], near(1)),
            "different units, He": (units["he_normal"], near(100)),
            "loss, zeros": (sum(losses["zeros"][-20:]) / 20, near(math.log(10), within=0.03)),
            "loss, constant": (sum(losses["constant"][-20:]) / 20, at_least(1.0)),
            "loss, He": (sum(losses["he_normal"][-20:]) / 20, at_most(0.5)),
        },
        figure,
        data.remark,
    )
