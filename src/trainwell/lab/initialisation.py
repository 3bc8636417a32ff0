"""Weights of the right size keep activations alive through ten layers; others let them die or saturate.

Ten layers of 500 units without biases, fed with 1,000 vectors of standard normal numbers. Weights of standard
deviation 0.01 leave 0.01 · sqrt(500) = 22 % of the signal in every tanh layer; those of 1 push every unit to -1 or 1,
where the slope is 0. Xavier's 1/sqrt(fan-in) keeps it alive (Glorot and Bengio 2010). Rectifiers halve the signal's
power, and He's sqrt(2/fan-in) makes up for it (He et al. 2015): mean square 1 and thus deviation sqrt(1 - 1/pi) = 0.826
in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from trainwell.core.figure import LOG_Y, Figure, Panel, curves, histogram
from trainwell.lab.result import Conditions, Result, near, result

_UNITS, _LAYERS = 500, 10


def activations(deviation: float, activation: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Return the activations of every layer, each (1000, 500), for weights of this standard deviation."""
    signal, layers = torch.randn(1000, _UNITS), []
    for _ in range(_LAYERS):
        signal = activation(signal @ torch.randn(_UNITS, _UNITS).mul(deviation))
        layers.append(signal)
    return layers


def run(conditions: Conditions) -> Result:
    """Measure the standard deviation of activations, layer by layer."""
    xavier, he = 1 / math.sqrt(_UNITS), math.sqrt(2 / _UNITS)
    tanh = {name: activations(size, torch.tanh) for name, size in {"0.01": 0.01, "1": 1.0, "Xavier": xavier}.items()}
    relu = {name: activations(size, torch.relu) for name, size in {"0.01": 0.01, "He": he, "Xavier": xavier}.items()}
    spread = {name: [layer.std().item() for layer in layers] for name, layers in tanh.items()}
    rectified = {name: [layer.std().item() for layer in layers] for name, layers in relu.items()}
    layers = range(1, _LAYERS + 1)
    deviation = ("layer", "deviation of activations")
    share = ("activation in layer 10", "share of units")
    figure = Figure(
        "Too small weights silence the last layers, too large ones saturate them; Xavier suits tanh, He suits ReLU.",
        (
            Panel("tanh: only Xavier stays alive in range", *deviation, curves(spread, xs=layers), logs=LOG_Y),
            Panel("ReLU: only He stays level", *deviation, curves(rectified, xs=layers), logs=LOG_Y),
            Panel("Weights of size 1 saturate tanh", *share, (histogram("", tanh["1"][-1], span=(-1, 1), colour=1),)),
            Panel("Xavier keeps tanh in range", *share, (histogram("", tanh["Xavier"][-1], span=(-1, 1), colour=2),)),
        ),
    )
    return result(
        {
            "tanh, 0.01, layer 1": (spread["0.01"][0], near(0.213, within=0.002)),
            "tanh, 0.01, layer 2": (spread["0.01"][1], near(0.0476, within=0.0005)),
            "tanh, 0.01, layer 3": (spread["0.01"][2], near(0.0106, within=0.0002)),
            "tanh, 0.01, layer 10": (spread["0.01"][9], near(0, within=1e-6)),
            "tanh, 1, layer 10": (spread["1"][9], near(0.98, within=0.005)),
            "tanh, Xavier, layer 1": (spread["Xavier"][0], near(0.628, within=0.005)),
            "tanh, Xavier, layer 10": (spread["Xavier"][9], near(0.228, within=0.02)),
            "ReLU, Xavier, layer 10": (rectified["Xavier"][9], near(0.826 / 2**5, within=0.01)),
            "ReLU, He, layer 1": (rectified["He"][0], near(0.826, within=0.01)),
            "ReLU, He, layer 10": (rectified["He"][9], near(0.826, within=0.2)),
        },
        figure,
    )
