"""The smaller the batch, the noisier the path: the gradient's noise falls with the square root of the batch size.

The same linear regression is learned with all 256 examples in each step, with 16 and with one. A batch drawn at random
has the right gradient in the mean; its deviation is that of one example divided by the square root of the batch's size.
The full batch walks straight down; single examples wander around the minimum, and cost 256 times less.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import Figure, Level, Panel, Point, Series, curve, curves, landscape
from trainwell.lab.result import Conditions, Result, at_least, near, result

_COUNT, _STEPS, _RATE = 256, 80, 0.05


def _gradient(inputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return 2 * inputs.T @ (inputs @ weights - targets) / len(inputs)


def run(conditions: Conditions) -> Result:
    """Descend with three sizes of batches, and measure the noise of their gradients at the start."""
    inputs = torch.randn(_COUNT, 2) * torch.tensor([1.0, 0.6])
    targets = inputs @ torch.tensor([1.0, -0.5]) + 0.7 * torch.randn(_COUNT)
    start = torch.tensor([-1.5, 1.5])

    def loss(weights: Tensor) -> float:
        return float((inputs @ weights - targets).square().mean())

    paths: dict[str, list[Point]] = {}
    falls, rises, noise = {}, {}, {}
    for size in (_COUNT, 16, 1):
        name, weights, points, losses = f"batch {size}", start, [], []
        for _ in range(_STEPS):
            points.append((float(weights[0]), float(weights[1])))
            losses.append(loss(weights))
            chosen = torch.randint(_COUNT, (size,)) if size < _COUNT else torch.arange(_COUNT)
            weights = weights - _RATE * _gradient(inputs[chosen], targets[chosen], weights)
        paths[name], falls[name] = points, losses
        rises[size] = sum(b > a for a, b in zip(losses, losses[1:], strict=False))
    sizes = (1, 4, 16, 64)
    for size in sizes:
        draws = torch.randint(_COUNT, (2000, size))
        gradients = torch.stack([_gradient(inputs[chosen], targets[chosen], start) for chosen in draws])
        noise[size] = float((gradients - _gradient(inputs, targets, start)).square().sum(1).mean().sqrt())
    spans = ((-2.0, 2.0), (-1.5, 2.0))
    cross = torch.stack([inputs[:, 0] * inputs[:, 1], inputs[:, 0] * targets, inputs[:, 1] * targets]).mean(1).tolist()
    a, b = inputs.square().mean(0).tolist()
    shape = landscape(lambda x, y: a * x**2 + b * y**2 + 2 * (cross[0] * x * y - cross[1] * x - cross[2] * y), *spans)
    walks = tuple(Series(name, tuple(points), "path", number) for number, (name, points) in enumerate(paths.items()))
    law = curve("1/√batch", [noise[1] / size**0.5 for size in sizes], xs=sizes, colour=-1)
    measured = curve("measured", noise.values(), xs=sizes, kind="dots", colour=0)
    figure = Figure(
        "All examples: a straight way down. One example: a cheap, restless one that never settles.",
        (
            Panel("80 steps from the same start", "weight 1", "weight 2", walks, field=shape, spans=spans),
            Panel(
                "Loss over all examples", "step", "loss", curves(falls), levels=(Level(min(falls["batch 256"]), ""),)
            ),
            Panel("Noise of the gradient", "batch size", "deviation", (measured, law), logs=(True, True)),
        ),
    )
    return result(
        {
            "noise of batch 1 per batch 16": (noise[1] / noise[16], near(4, within=0.3)),
            "noise of batch 4 per batch 64": (noise[4] / noise[64], near(4, within=0.3)),
            "full batch: steps that raise the loss": (rises[_COUNT], near(0)),
            "batch 1: steps that raise the loss": (rises[1], at_least(10)),
        },
        figure,
    )
