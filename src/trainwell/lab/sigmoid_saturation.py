"""In a deep sigmoid network the last hidden layer saturates at 0 at once, and comes back only late.

Four hidden layers of sigmoids with the old uniform ±1/sqrt(fan-in) start, trained by plain descent (Glorot and Bengio
2010, figure 2). At first the last layer's units say nothing about the input, so the output does best without them and
pushes them to 0, where their slope vanishes. Lower layers move slowly behind it; when they have learned something, the
last layer leaves saturation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trainwell.core.figure import Figure, Level, Panel, curve
from trainwell.lab.learning import dense, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result


def run(conditions: Conditions) -> Result:
    """Train, and record each hidden layer's mean activation."""
    data = pictures(conditions, train=1000)
    width, steps = (200, 20_000) if conditions.full else (60, 5_000)
    model = dense([data.inputs[0].numel(), *[width] * 4, 10], nn.Sigmoid)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -(layer.in_features**-0.5), layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
    times: list[int] = []
    means: list[list[float]] = [[] for _ in range(4)]

    def look(step: int) -> None:
        if step % 50 and step > 1:
            return
        times.append(step)
        signal: Tensor = data.held_inputs
        number = 0
        with torch.no_grad():
            for layer in list(model)[:-1]:
                signal = layer(signal)
                if isinstance(layer, nn.Sigmoid):
                    means[number].append(signal.mean().item())
                    number += 1

    descent = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = learn(model, data, descent, steps=steps, batch=10, after=look)
    last, lowest = means[3], min(means[3])
    smooth = [sum(losses[at : at + 50]) / 50 for at in range(0, steps, 50)]
    layers = tuple(curve(f"layer {number + 1}", series, xs=times, colour=number) for number, series in enumerate(means))
    figure = Figure(
        "The last hidden layer falls to 0 within a few hundred steps, stays there, and recovers by itself much later.",
        (
            Panel("Mean activations: the last layer goes to 0", "step", "activation", layers, spans=(None, (0.0, 1.0))),
            Panel("Nothing is learned until it recovers", "step", "loss",
                  (curve("loss", smooth, xs=range(50, steps + 1, 50)),), levels=(Level(math.log(10), "chance"),)),
        ),
    )  # fmt: skip
    return result(
        {
            "last layer at the start": (last[0], near(0.5, within=0.1)),
            "last layer at its lowest": (lowest, at_most(0.05)),
            "step of the lowest": (times[last.index(lowest)], at_most(steps / 2)),
            "last layer at the end per lowest": (last[-1] / lowest, at_least(3.0)),
            "loss at the end": (smooth[-1], at_most(1.5)),
        },
        figure,
        data.remark,
    )
