"""Dead ReLU units: too large a step makes a unit negative for every input; its gradient is 0, and it stays dead.

The same network is trained by plain gradient descent at four learning rates, with ReLU and with leaky ReLU (slope 0.01
below zero, Maas et al. 2013). A unit is dead if its slope is 0 for every training image. Leaky units keep a slope,
although at such a rate they do not learn either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainwell.core.figure import Axes, Figure, Panel
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve, mean_curves

_RATES = (0.05, 0.7, 1.0, 1.5)


class _DeadUnits(NamedTuple):
    """Fraction of dead units over time and the final accuracy, for each seed."""

    dead: list[list[float]]
    accuracy: list[float]

    @property
    def last(self) -> list[float]:
        return [fractions[-1] for fractions in self.dead]


def _learn(data: Images, rate: float, *, activation: Callable[[], nn.Module]) -> _DeadUnits:
    """Train, and count units without a gradient every 20 steps."""
    model = dense([data.features, 100, 100, 10], seeds=len(data.inputs), activation=activation, start="he_normal")
    dead: list[list[float]] = []

    def record(step: int) -> None:
        if step % 20:
            return
        with torch.no_grad():
            first = model[1](data.inputs.flatten(2))
            second = model[3](model[2](first))
        slopes = [activation_slope(layer, before) for layer, before in ((model[2], first), (model[4], second))]
        dead.append(torch.cat(slopes, -1).lt(1e-6).float().mean(-1).tolist())

    train(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=rate), steps=200, after=record)
    return _DeadUnits(transposed(dead), evaluate(model, data.held_inputs, targets=data.held_targets)[1])


def activation_slope(layer: nn.Module, before: Tensor) -> Tensor:
    """Return the largest slope of each unit over all inputs.

    Args:
        layer: a non-linearity.
        before: what it receives, (..., inputs, units).
    Returns:
        (..., units).
    """
    given = before.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(layer(given).sum(), given)
    return slope.amax(-2)


def run(conditions: Conditions) -> Result:
    """Train at increasing learning rates."""
    data = images(conditions, train=1000)
    plain = {rate: _learn(data, rate, activation=nn.ReLU) for rate in _RATES}
    leaky = {rate: _learn(data, rate, activation=nn.LeakyReLU) for rate in _RATES}
    dead = mean_curves({f"rate {rate:g}": found.dead for rate, found in plain.items()}, xs=range(20, 201, 20))
    bars = tuple(
        mean_curve(name, list(zip(*(one.last for one in found.values()), strict=True)), kind="bars", colour=number)
        for number, (name, found) in enumerate({"ReLU": plain, "leaky ReLU": leaky}.items())
    )
    unit = (None, (0.0, 1.0))
    names = tuple(map(str, _RATES))
    figure = Figure(
        "The larger the learning rate, the more ReLU units die, most of them for good; leaky ones keep a slope.",
        (
            Panel("ReLU: dead units", "step", "fraction of units", dead, axes=Axes(spans=unit)),
            Panel(
                "Dead units after 200 steps",
                "learning rate",
                "fraction of units",
                bars,
                axes=Axes(spans=unit, categories=names),
            ),
        ),
    )
    return result(
        {
            "dead at rate 0.05, ReLU": (mean_of(plain[0.05].last), at_most(0.1)),
            "dead at rate 1.5, ReLU": (mean_of(plain[1.5].last), at_least(0.5)),
            "dead at rate 1.5, leaky ReLU": (mean_of(leaky[1.5].last), near(0)),
            "accuracy at rate 0.05, ReLU": (mean_of(plain[0.05].accuracy), at_least(0.75)),
        },
        figure,
        remark=data.remark,
    )
