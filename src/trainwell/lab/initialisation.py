"""Weights of the right scale keep activations alive through ten layers; others let them vanish or saturate.

Ten layers of 500 units without biases, fed with vectors of standard normal numbers. Weights with a standard deviation
of 0.01 keep 0.01 · sqrt(500) = 22 % of the signal in every tanh layer; with 1 every unit saturates at -1 or 1, where
the gradient is 0. Xavier initialisation, 1/sqrt(fan-in), keeps tanh in range (Glorot and Bengio 2010). ReLU halves the
power of the signal, which He initialisation, sqrt(2/fan-in), makes up for (He et al. 2015): mean square 1 and thus
standard deviation sqrt(1 - 1/pi) = 0.826 in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import LOG_Y, Axes, Figure, Panel, histogram
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.lab.seeds import mean_curves, means, repeat

_UNITS = 500
_LAYERS = 10
_XAVIER = 1 / math.sqrt(_UNITS)
_HE = math.sqrt(2 / _UNITS)
_TANH = {"0.01": 0.01, "1": 1.0, "Xavier": _XAVIER}
_RELU = {"0.01": 0.01, "He": _HE, "Xavier": _XAVIER}


class _ActivationSpread(NamedTuple):
    """Standard deviation of the activations by layer, and the activations of the last tanh layer, by initialisation."""

    tanh: dict[str, list[float]]
    relu: dict[str, list[float]]
    last: dict[str, Tensor]


def activations(deviation: float, activation: Callable[[Tensor], Tensor], *, vectors: int = 1000) -> list[Tensor]:
    """Return the activations of every layer, each (vectors, 500), for weights of this standard deviation."""
    signal = torch.randn(vectors, _UNITS)
    layers = []
    for _ in range(_LAYERS):
        signal = activation(signal @ torch.randn(_UNITS, _UNITS).mul(deviation))
        layers.append(signal)
    return layers


def _once(vectors: int) -> _ActivationSpread:
    """Measure the standard deviation of the activations, layer by layer."""
    tanh = {name: activations(size, torch.tanh, vectors=vectors) for name, size in _TANH.items()}
    relu = {name: activations(size, torch.relu, vectors=vectors) for name, size in _RELU.items()}
    return _ActivationSpread(
        {name: [layer.std().item() for layer in layers] for name, layers in tanh.items()},
        {name: [layer.std().item() for layer in layers] for name, layers in relu.items()},
        {name: layers[-1] for name, layers in tanh.items()},
    )


def _numbers(run: _ActivationSpread) -> dict[str, float]:
    found = {f"tanh, {name}, layer {at}": run.tanh[name][at - 1] for name in run.tanh for at in (1, 2, 3, 10)}
    return found | {f"ReLU, {name}, layer {at}": run.relu[name][at - 1] for name in run.relu for at in (1, 10)}


def _figure(runs: list[_ActivationSpread]) -> Figure:
    """Draw the mean standard deviations, and histograms of the first seed."""
    layers = range(1, _LAYERS + 1)
    tanh = mean_curves({name: [run.tanh[name] for run in runs] for name in _TANH}, xs=layers)
    relu = mean_curves({name: [run.relu[name] for run in runs] for name in _RELU}, xs=layers)
    deviation = ("layer", "standard deviation of activations")
    fraction = ("activation in layer 10", "fraction of units")
    saturated = histogram("", runs[0].last["1"], span=(-1, 1), colour=1)
    alive = histogram("", runs[0].last["Xavier"], span=(-1, 1), colour=2)
    return Figure(
        "Small weights let the signal vanish, large ones saturate the units; Xavier suits tanh, He suits ReLU.",
        (
            Panel("tanh: only Xavier keeps the scale", *deviation, tanh, axes=Axes(logs=LOG_Y)),
            Panel("ReLU: only He keeps the scale", *deviation, relu, axes=Axes(logs=LOG_Y)),
            Panel("Weights of scale 1 saturate tanh", *fraction, (saturated,)),
            Panel("Xavier keeps tanh in range", *fraction, (alive,)),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Feed vectors through ten layers under each initialisation."""
    runs = repeat(conditions, lambda: _once(1000 if conditions.full else 200))
    found = means([_numbers(one) for one in runs])
    expected = {
        "tanh, 0.01, layer 1": near(0.213, within=0.002),
        "tanh, 0.01, layer 2": near(0.0476, within=0.0005),
        "tanh, 0.01, layer 3": near(0.0106, within=0.0002),
        "tanh, 0.01, layer 10": near(0, within=1e-6),
        "tanh, 1, layer 10": near(0.98, within=0.005),
        "tanh, Xavier, layer 1": near(0.628, within=0.005),
        "tanh, Xavier, layer 10": near(0.228, within=0.02),
        "ReLU, Xavier, layer 10": near(0.826 / 2**5, within=0.01),
        "ReLU, He, layer 1": near(0.826, within=0.01),
        "ReLU, He, layer 10": near(0.826, within=0.2),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, _figure(runs))
