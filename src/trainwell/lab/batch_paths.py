"""The smaller the batch, the noisier the path: the noise of the gradient is proportional to 1/√batch.

The same linear regression is learned with all 256 examples in each step, with 16 and with one. The gradient of a random
batch is right on average; its standard deviation is that of one example divided by the square root of the batch size.
The full batch descends straight; single examples wander around the minimum, and each step costs 256 times less.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import Axes, Curve, Figure, Level, Panel, Point, curve, curves, landscape
from trainwell.lab.result import Conditions, Result, at_least, near, result
from trainwell.lab.seeds import mean_curve, means, repeat

_COUNT = 256
_STEPS = 80
_RATE = 0.05
_SIZES = (1, 4, 16, 64)
_START = torch.tensor([-1.5, 1.5])


class _Regression(NamedTuple):
    """Examples of a linear regression: inputs (256, 2) and targets (256,)."""

    inputs: Tensor
    targets: Tensor

    def gradient(self, weights: Tensor, chosen: Tensor) -> Tensor:
        inputs = self.inputs[chosen]
        targets = self.targets[chosen]
        return 2 * inputs.T @ (inputs @ weights - targets) / len(inputs)

    def loss(self, weights: Tensor) -> float:
        return float((self.inputs @ weights - self.targets).square().mean())


class _DescentPaths(NamedTuple):
    """What one seed gave: the data, paths and losses by batch size, the noise by batch size."""

    data: _Regression
    paths: dict[int, list[Point]]
    losses: dict[int, list[float]]
    noise: list[float]


def _once() -> _DescentPaths:
    """Descend with three batch sizes, and measure the noise of the gradient at the start."""
    inputs = torch.randn(_COUNT, 2) * torch.tensor([1.0, 0.6])
    data = _Regression(inputs, inputs @ torch.tensor([1.0, -0.5]) + 0.7 * torch.randn(_COUNT))
    paths: dict[int, list[Point]] = {}
    losses: dict[int, list[float]] = {}
    for size in (_COUNT, 16, 1):
        weights = _START
        points: list[Point] = []
        losses[size] = []
        for _ in range(_STEPS):
            points.append((float(weights[0]), float(weights[1])))
            losses[size].append(data.loss(weights))
            chosen = torch.randint(_COUNT, (size,)) if size < _COUNT else torch.arange(_COUNT)
            weights = weights - _RATE * data.gradient(weights, chosen)
        paths[size] = points
    whole = data.gradient(_START, torch.arange(_COUNT))
    noise = []
    for size in _SIZES:
        draws = torch.randint(_COUNT, (2000, size))
        gradients = torch.stack([data.gradient(_START, chosen) for chosen in draws])
        noise.append(float((gradients - whole).square().sum(1).mean().sqrt()))
    return _DescentPaths(data, paths, losses, noise)


def _numbers(run: _DescentPaths) -> dict[str, float]:
    rises = {size: sum(b > a for a, b in zip(found, found[1:], strict=False)) for size, found in run.losses.items()}
    return {
        "noise of batch 1 / batch 16": run.noise[0] / run.noise[2],
        "noise of batch 4 / batch 64": run.noise[1] / run.noise[3],
        "full batch: steps that raise the loss": rises[_COUNT],
        "batch 1: steps that raise the loss": rises[1],
    }


def _figure(runs: list[_DescentPaths]) -> Figure:
    """Draw the paths of the first seed and the mean noise of all."""
    first = runs[0]
    inputs, targets = first.data
    spans = ((-2.0, 2.0), (-1.5, 2.0))
    cross = torch.stack([inputs[:, 0] * inputs[:, 1], inputs[:, 0] * targets, inputs[:, 1] * targets]).mean(1).tolist()
    a, b = inputs.square().mean(0).tolist()
    shape = landscape(
        lambda x, y: a * x**2 + b * y**2 + 2 * (cross[0] * x * y - cross[1] * x - cross[2] * y), spans[0], y=spans[1]
    )
    walks = tuple(
        Curve(f"batch {size}", tuple(points), "path", number)
        for number, (size, points) in enumerate(first.paths.items())
    )
    measured = mean_curve("measured", [run.noise for run in runs], xs=_SIZES, kind="dots")
    law = curve("1/√batch", [measured.points[0][1] / size**0.5 for size in _SIZES], xs=_SIZES, colour=-1)
    falls = curves({f"batch {size}": losses for size, losses in first.losses.items()})
    lowest = Level(min(first.losses[_COUNT]), "")
    return Figure(
        "The full batch descends straight. Single examples are cheap but never settle. Paths of seed 0.",
        (
            Panel("80 steps from the same start", "weight 1", "weight 2", walks, field=shape, axes=Axes(spans=spans)),
            Panel("Loss over all examples", "step", "loss", falls, levels=(lowest,)),
            Panel(
                "Noise of the gradient",
                "batch size",
                "standard deviation",
                (measured, law),
                axes=Axes(logs=(True, True)),
            ),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Descend with three batch sizes, and compare the noise of the gradient with the law."""
    runs = repeat(conditions, _once)
    found = means([_numbers(one) for one in runs])
    expected = {
        "noise of batch 1 / batch 16": near(4, within=0.3),
        "noise of batch 4 / batch 64": near(4, within=0.3),
        "full batch: steps that raise the loss": near(0),
        "batch 1: steps that raise the loss": at_least(10),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, _figure(runs))
