"""In a deep sigmoid network the last hidden layer saturates at 0 at once, and recovers only late.

Four hidden layers of sigmoids with the old uniform ±1/sqrt(fan-in) initialisation, trained by gradient descent (Glorot
and Bengio 2010, figure 2). At first the last hidden layer carries no information about the input, so the output does
best without it and drives it to 0, where its gradient vanishes. The lower layers learn slowly behind it; once they
carry information, the last layer leaves saturation.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainwell.core.figure import Axes, Figure, Level, Panel
from trainwell.lab.learning import Images, StackedLinear, dense, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve

_EVERY = 50


class _SaturationHistory(NamedTuple):
    """Steps, mean activation of each hidden layer (layers, seeds, steps) and smoothed loss (seeds, steps)."""

    steps: list[int]
    means: list[list[list[float]]]
    losses: list[list[float]]


def _network(data: Images, width: int) -> nn.Sequential:
    """Build the networks of all seeds with the initialisation of the paper."""
    model = dense([data.features, *[width] * 4, 10], seeds=len(data.inputs), activation=nn.Sigmoid)
    torch.manual_seed(0)
    for layer in model:
        if isinstance(layer, StackedLinear):
            limit = layer.weight.shape[2] ** -0.5
            nn.init.uniform_(layer.weight, -limit, limit)
            nn.init.zeros_(layer.bias)
    return model


def _learn(data: Images, *, width: int, steps: int) -> _SaturationHistory:
    """Train, and record the mean activation of each hidden layer."""
    model = _network(data, width)
    times: list[int] = []
    found: list[list[list[float]]] = [[] for _ in range(4)]

    def record(step: int) -> None:
        if step % _EVERY and step > 1:
            return
        times.append(step)
        signal: Tensor = data.held_inputs
        means = []
        with torch.no_grad():
            for layer in list(model)[:-1]:
                signal = layer(signal)
                if isinstance(layer, nn.Sigmoid):
                    means.append(signal.mean((1, 2)).tolist())
        for values, mean in zip(found, means, strict=True):
            values.append(mean)

    descent = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = train(model, data, optimizer=descent, steps=steps, batch=10, after=record)
    smooth = [[sum(one[at : at + _EVERY]) / _EVERY for at in range(0, steps, _EVERY)] for one in losses]
    return _SaturationHistory(times, [transposed(values) for values in found], smooth)


def run(conditions: Conditions) -> Result:
    """Train, and follow the activations of each hidden layer."""
    data = images(conditions, train=1000)
    width, steps = (200, 20_000) if conditions.full else (60, 5_000)
    found = _learn(data, width=width, steps=steps)
    last = found.means[3]
    lowest = [min(values) for values in last]
    times = [found.steps[values.index(low)] for values, low in zip(last, lowest, strict=True)]
    recoveries = [values[-1] / low for values, low in zip(last, lowest, strict=True)]
    layers = tuple(
        mean_curve(f"layer {number + 1}", runs, xs=found.steps, colour=number)
        for number, runs in enumerate(found.means)
    )
    loss = mean_curve("loss", found.losses, xs=range(_EVERY, steps + 1, _EVERY))
    chance = (Level(math.log(10), "chance"),)
    figure = Figure(
        "The last hidden layer falls to 0 within a few hundred steps, stays there, and recovers by itself much later.",
        (
            Panel(
                "Mean activations: the last layer saturates",
                "step",
                "activation",
                layers,
                axes=Axes(spans=(None, (0.0, 1.0))),
            ),
            Panel("Nothing is learned until it recovers", "step", "training loss", (loss,), levels=chance),
        ),
    )
    return result(
        {
            "last layer at the start": (mean_of([values[0] for values in last]), near(0.5, within=0.1)),
            "last layer at its lowest": (mean_of(lowest), at_most(0.05)),
            "step of the lowest": (mean_of(times), at_most(steps / 2)),
            "last layer, final / lowest": (mean_of(recoveries), at_least(3.0)),
            "final loss": (mean_of([losses[-1] for losses in found.losses]), at_most(1.5)),
        },
        figure,
        remark=data.remark,
    )
