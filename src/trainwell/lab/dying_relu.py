"""Too large a step pushes rectifiers below zero for every input; their slope is 0 there, and they learn no more.

The same network is trained by plain descent at four rates, with rectifiers and with leaky ones (slope 0.01 below zero,
Maas et al. 2013). A unit is dead if its slope is 0 for every training picture. Leaky units keep a slope, though so bold
a rate teaches them nothing either.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwell.core.figure import Figure, Panel, curve, curves
from trainwell.lab.learning import Pictures, dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result
from trainwell.nn import initialise


def _train(data: Pictures, rate: float, activation: Callable[[], nn.Module]) -> tuple[list[float], float, float]:
    """Return the share of units without a gradient over time, at the end, and the accuracy."""
    model = dense([data.inputs[0].numel(), 100, 100, 10], activation)
    initialise(model, "he_normal", seed=0)
    shares: list[float] = []

    def look(step: int) -> None:
        if step % 20:
            return
        with torch.no_grad():
            first = model[1](data.inputs.flatten(1))
            second = model[3](model[2](first))
        slopes = [activation_slope(layer, before) for layer, before in ((model[2], first), (model[4], second))]
        shares.append(float(torch.cat(slopes).lt(1e-6).float().mean()))

    learn(model, data, torch.optim.SGD(model.parameters(), lr=rate), steps=200, after=look)
    return shares, shares[-1], judge(model, data.held_inputs, data.held_targets)[1]


def activation_slope(layer: nn.Module, before: torch.Tensor) -> torch.Tensor:
    """Return the largest slope of each unit over all inputs, (units,)."""
    given = before.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(layer(given).sum(), given)
    return slope.amax(0)


def run(conditions: Conditions) -> Result:
    """Train at growing rates."""
    data = pictures(conditions, train=1000)
    rates = (0.05, 0.7, 1.0, 1.5)
    plain = {f"rate {rate:g}": _train(data, rate, nn.ReLU) for rate in rates}
    leaky = {f"rate {rate:g}": _train(data, rate, nn.LeakyReLU) for rate in rates}
    steps = range(20, 201, 20)
    dead = curves({name: shares for name, (shares, _, _) in plain.items()}, xs=steps)
    ends = {"ReLU": [last for _, last, _ in plain.values()], "leaky ReLU": [last for _, last, _ in leaky.values()]}
    bars = tuple(curve(name, shares, kind="bars", colour=number) for number, (name, shares) in enumerate(ends.items()))
    figure = Figure(
        "The larger the rate, the more rectifiers die, most of them for good; leaky ones keep a slope at any rate.",
        (
            Panel("ReLU: units without any slope", "step", "share of units", dead, spans=(None, (0.0, 1.0))),
            Panel("The same after 200 steps", "learning rate", "share of units", bars, spans=(None, (0.0, 1.0)),
                  categories=tuple(map(str, rates))),
        ),
    )  # fmt: skip
    return result(
        {
            "dead at rate 0.05, ReLU": (plain["rate 0.05"][1], at_most(0.1)),
            "dead at rate 1.5, ReLU": (plain["rate 1.5"][1], at_least(0.5)),
            "dead at rate 1.5, leaky ReLU": (leaky["rate 1.5"][1], near(0)),
            "accuracy at rate 0.05, ReLU": (plain["rate 0.05"][2], at_least(0.75)),
        },
        figure,
        data.remark,
    )
