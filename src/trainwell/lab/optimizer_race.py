"""Momentum is fast in ravines, adaptive learning rates leave saddles and plateaus, clipping survives cliffs.

Momentum accumulates steps along the floor of a ravine where plain gradient descent oscillates. Adaptive rates (Adagrad,
RMSProp, Adam) divide by the size of past gradients, so they leave saddle points and plateaus, where gradients are tiny.
At a cliff one huge gradient throws plain gradient descent far away; clipping its norm prevents that (Pascanu et al.
2013). Beale's function has its minimum, 0, at (3, 0.5).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from trainwell.core.figure import LOG_Y, Axes, Curve, Figure, Panel, Point, curves
from trainwell.lab.descent import Surface, field, heights, walk
from trainwell.lab.result import Conditions, Result, at_least, at_most, result

_RACERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "gradient descent": torch.optim.SGD,
    "momentum": functools.partial(torch.optim.SGD, momentum=0.9),
    "Nesterov": functools.partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "Adagrad": torch.optim.Adagrad,
    "RMSProp": functools.partial(torch.optim.RMSprop, alpha=0.9),
    "Adam": torch.optim.Adam,
}


def _ravine(x: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (x**2 + 100 * y**2)


def _saddle(x: Tensor, y: Tensor) -> Tensor:
    return x**2 - y**2 + 0.25 * y**4


def _plateau(x: Tensor, y: Tensor) -> Tensor:
    return 1 - torch.exp(-0.5 * (x**2 + y**2))


def _cliff(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(3 * x) - x + 0.5 * y**2


def _beale(x: Tensor, y: Tensor) -> Tensor:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _race(surface: Surface, start: Point, *, plain: float, adaptive: float, steps: int) -> dict[str, tuple[Point, ...]]:
    """Run all optimizers from one start: the first three at learning rate `plain`, the others at `adaptive`."""
    walks = {}
    for number, (name, make) in enumerate(_RACERS.items()):
        rate = plain if number < 3 else adaptive
        walks[name] = walk(surface, start, make=functools.partial(make, lr=rate), steps=steps)
    return walks


def _panel(
    title: str, surface: Surface, *, spans: tuple[Point, Point], walks: Mapping[str, tuple[Point, ...]]
) -> Panel:
    shown = tuple(Curve(name, points, "path", number) for number, (name, points) in enumerate(walks.items()))
    return Panel(
        title, "weight 1", "weight 2", shown, field=field(surface, spans[0], y=spans[1]), axes=Axes(spans=spans)
    )


def run(conditions: Conditions) -> Result:
    """Run six optimizers on five functions."""
    ravine = _race(_ravine, (-9.0, 1.0), plain=0.012, adaptive=0.3, steps=100)
    saddle = _race(_saddle, (1.0, 1e-4), plain=0.05, adaptive=0.05, steps=60)
    plateau = _race(_plateau, (3.4, 1.8), plain=0.2, adaptive=0.1, steps=100)
    beale = _race(_beale, (1.0, 1.6), plain=0.002, adaptive=0.1, steps=300)
    descent = functools.partial(torch.optim.SGD, lr=0.05)
    cliff = {"gradient descent": walk(_cliff, (1.2, 1.5), make=descent, steps=60)}
    cliff["clipped at 1"] = walk(_cliff, (1.2, 1.5), make=descent, steps=60, clip=1.0)
    thrown = {name: math.dist(points[0], points[1]) for name, points in cliff.items()}
    fall: dict[str, Any] = {name: heights(_beale, points) for name, points in beale.items()}
    figure = Figure(
        "Open circle: start; filled circle: end. Momentum is fast in the ravine; adaptive rates leave the plateau.",
        (
            _panel("Ravine: momentum follows its floor", _ravine, spans=((-10, 8), (-1.5, 1.5)), walks=ravine),
            _panel("Saddle: adaptive rates leave it", _saddle, spans=((-1, 1.2), (-0.5, 2.2)), walks=saddle),
            _panel("Plateau: almost no gradient at the start", _plateau, spans=((-2, 4), (-2, 2.5)), walks=plateau),
            _panel("Cliff: one step throws the weights away", _cliff, spans=((-5, 1.5), (-2, 2)), walks=cliff),
            _panel("Beale: a curved valley to (3, 0.5)", _beale, spans=((0, 4.2), (-2, 2)), walks=beale),
            Panel("Beale: value over steps", "step", "value", curves(fall), axes=Axes(logs=LOG_Y)),
        ),
    )
    return result(
        {
            "ravine: final value, momentum / gradient descent": (
                heights(_ravine, ravine["momentum"])[-1] / heights(_ravine, ravine["gradient descent"])[-1],
                at_most(0.05),
            ),
            "saddle: distance covered by gradient descent": (abs(saddle["gradient descent"][-1][1]), at_most(0.1)),
            "saddle: distance covered by Adam": (abs(saddle["Adam"][-1][1]), at_least(1.0)),
            "plateau: final value, gradient descent": (
                heights(_plateau, plateau["gradient descent"])[-1],
                at_least(0.9),
            ),
            "plateau: final value, Adam": (heights(_plateau, plateau["Adam"])[-1], at_most(0.05)),
            "cliff: length of the first step": (thrown["gradient descent"], at_least(5.0)),
            "cliff: length of the first step, clipped": (thrown["clipped at 1"], at_most(0.05 + 1e-9)),
            "Beale: Adam's distance from (3, 0.5)": (math.dist(beale["Adam"][-1], (3, 0.5)), at_most(0.2)),
        },
        figure,
    )
