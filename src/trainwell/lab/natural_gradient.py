"""The natural gradient is invariant to the scale of the inputs: K-FAC learns as fast on badly scaled ones.

Gradient descent is slowed by the ratio of the largest to the smallest curvature. K-FAC divides the gradient of each
layer by its Fisher matrix, approximated as a Kronecker product of inputs and output gradients (Martens and Grosse
2015), so a linear change of the inputs has no effect. Adam scales each weight alone: it helps with axes of different
scale, but not with correlated directions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.figure import LOG_Y, Axes, Figure, Panel
from trainwell.lab.result import Conditions, Result, at_least, at_most, result
from trainwell.lab.seeds import mean_curves, means, repeat
from trainwell.optim import KFAC

_STEPS = 80
_SPANS = (None, (0.005, 1.0))  # both panels alike, so that they can be compared
Make = Callable[[nn.Module], torch.optim.Optimizer]
_OPTIMIZERS: dict[str, Make] = {
    "gradient descent": lambda model: torch.optim.SGD(model.parameters(), lr=0.05),
    "Adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.02),
    "K-FAC": lambda model: KFAC(model, lr=1.0, momentum=0.0, damping=1e-12),
}


class _LossesByScaling(NamedTuple):
    """Training losses by optimizer, on well and on badly scaled inputs."""

    well: dict[str, list[float]]
    badly: dict[str, list[float]]


def _losses(net: nn.Module, make: Make, *, inputs: Tensor, targets: Tensor) -> list[float]:
    optimizer = make(net)
    found = []
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(loss.item())
    return found


def _networks(mixing: Tensor) -> tuple[nn.Module, nn.Module]:
    """Build a network, and another that computes the same function of the mixed inputs."""
    first = nn.Linear(8, 16)
    net = nn.Sequential(first, nn.Tanh(), nn.Linear(16, 2)).double()
    other = copy.deepcopy(net)
    second = other[0]
    assert isinstance(second, nn.Linear)
    with torch.no_grad():
        second.weight.copy_(first.weight @ torch.linalg.inv(mixing).T)
    return net, other


def _once() -> _LossesByScaling:
    """Learn two classes from well and from badly scaled, correlated inputs."""
    inputs = torch.randn(400, 8, dtype=torch.float64)
    targets = (inputs @ torch.tensor([1.0, -1, 2, 0.5, 1, -2, 1, 1], dtype=torch.float64) > 0).long()
    rotation = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64)).Q
    mixing = torch.diag(torch.logspace(0, -2, 8, dtype=torch.float64)) @ rotation
    net, other = _networks(mixing)
    return _LossesByScaling(
        {name: _losses(copy.deepcopy(net), make, inputs=inputs, targets=targets) for name, make in _OPTIMIZERS.items()},
        {
            name: _losses(copy.deepcopy(other), make, inputs=inputs @ mixing, targets=targets)
            for name, make in _OPTIMIZERS.items()
        },
    )


def _numbers(run: _LossesByScaling) -> dict[str, float]:
    pairs = zip(run.badly["K-FAC"], run.well["K-FAC"], strict=True)
    return {
        "K-FAC: largest change of the loss by scaling": max(abs(a - b) for a, b in pairs),
        "K-FAC: final loss, badly scaled inputs": run.badly["K-FAC"][-1],
        "final loss, badly scaled, gradient descent / K-FAC": run.badly["gradient descent"][-1]
        / run.badly["K-FAC"][-1],
    }


def run(conditions: Conditions) -> Result:
    """Compare three optimizers on well and badly scaled inputs."""
    runs = repeat(conditions, _once)
    well = mean_curves({name: [run.well[name] for run in runs] for name in _OPTIMIZERS})
    badly = mean_curves({name: [run.badly[name] for run in runs] for name in _OPTIMIZERS})
    axes = ("step", "training loss")
    figure = Figure(
        "Left: well scaled inputs. Right: the same inputs, scaled 100 : 1 and rotated. Only K-FAC learns as before.",
        (
            Panel("Well scaled inputs: Adam keeps up", *axes, well, axes=Axes(spans=_SPANS, logs=LOG_Y)),
            Panel("Scaled and rotated: K-FAC is invariant", *axes, badly, axes=Axes(spans=_SPANS, logs=LOG_Y)),
        ),
    )
    found = means([_numbers(one) for one in runs])
    expected = {
        "K-FAC: largest change of the loss by scaling": at_most(0.1),
        "K-FAC: final loss, badly scaled inputs": at_most(0.2),
        "final loss, badly scaled, gradient descent / K-FAC": at_least(1.5),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, figure)
