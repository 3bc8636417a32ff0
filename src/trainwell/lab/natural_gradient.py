"""The natural gradient does not notice badly scaled inputs: steps are measured by what they change in the predictions.

Plain descent is slowed by the ratio of the largest to the smallest curvature. K-FAC divides each layer's gradient by
its Fisher matrix, as a Kronecker product of inputs and slopes (Martens and Grosse 2015), so that scaling the inputs
changes nothing. Adam scales each weight alone and helps with axes, but not with directions between them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.figure import LOG_Y, Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, at_least, at_most, result
from trainwell.optim import KFAC

_STEPS = 80
_SPANS = (None, (0.005, 1.0))  # both panels alike, so that they can be compared
Make = Callable[[nn.Module], torch.optim.Optimizer]


def _losses(net: nn.Module, make: Make, inputs: Tensor, targets: Tensor) -> list[float]:
    optimizer, found = make(net), []
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(loss.item())
    return found


def run(conditions: Conditions) -> Result:
    """Learn two classes from well and from badly scaled, correlated inputs."""
    inputs = torch.randn(400, 8, dtype=torch.float64)
    targets = (inputs @ torch.tensor([1.0, -1, 2, 0.5, 1, -2, 1, 1], dtype=torch.float64) > 0).long()
    mixing = (
        torch.diag(torch.logspace(0, -2, 8, dtype=torch.float64))
        @ torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64)).Q
    )
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2)).double()
    other = copy.deepcopy(net)
    with torch.no_grad():
        first, second = net[0].weight, other[0].weight
        assert isinstance(first, Tensor) and isinstance(second, Tensor)
        second.copy_(first @ torch.linalg.inv(mixing).T)  # the same function of the new inputs
    makes: dict[str, Make] = {
        "descent": lambda model: torch.optim.SGD(model.parameters(), lr=0.05),
        "Adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.02),
        "K-FAC": lambda model: KFAC(model, lr=1.0, momentum=0.0, damping=1e-12),
    }
    plain = {name: _losses(copy.deepcopy(net), make, inputs, targets) for name, make in makes.items()}
    scaled = {name: _losses(copy.deepcopy(other), make, inputs @ mixing, targets) for name, make in makes.items()}
    figure = Figure(
        "Left: well scaled inputs; right: the same ones stretched 100 : 1 and turned. Only K-FAC does as before.",
        (
            Panel(
                "Well scaled inputs: Adam keeps up", "step", "training loss", curves(plain), logs=LOG_Y, spans=_SPANS
            ),
            Panel(
                "Stretched and turned: K-FAC does not mind",
                "step",
                "training loss",
                curves(scaled),
                logs=LOG_Y,
                spans=_SPANS,
            ),
        ),
    )
    change = max(abs(a - b) for a, b in zip(scaled["K-FAC"], plain["K-FAC"], strict=True))
    return result(
        {
            "K-FAC: largest change of the loss by scaling": (change, at_most(0.1)),
            "K-FAC: last loss, stretched inputs": (scaled["K-FAC"][-1], at_most(0.2)),
            "descent per K-FAC: last loss, stretched inputs": (
                scaled["descent"][-1] / scaled["K-FAC"][-1],
                at_least(1.5),
            ),
        },
        figure,
    )
