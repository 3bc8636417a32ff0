"""An L2 penalty and decoupled weight decay are the same for SGD, but not for Adam.

The penalty adds λw to the gradient; decoupled decay multiplies the weights by 1 - rate·λ. The step of SGD is
proportional to the gradient, so the two agree. Adam divides the gradient, penalty included, by its usual size: how fast
a weight decays then depends on its gradients and not on λ (Loshchilov and Hutter 2019). Half of the inputs are ten
times larger.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainwell.core.figure import Curve, Figure, Panel
from trainwell.lab.result import Conditions, Result, at_least, mean_of, near, result
from trainwell.lab.seeds import mean_curves, repeat

_STEPS = 400
_DECAY = 0.1
_RATE = 0.01
_OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
_WAYS = ("penalty", "decoupled")


class _FittedWeights(NamedTuple):
    """Final weights (seeds, 20), and their norm over time for each seed."""

    weights: Tensor
    norms: list[list[float]]


def _examples() -> tuple[Tensor, Tensor]:
    """Draw inputs (200, 20) and targets (200,) of a linear regression."""
    scales = torch.cat([torch.full((10,), 0.1), torch.ones(10)]).double()
    return torch.randn(200, 20, dtype=torch.float64) * scales, 0.3 * torch.randn(200, dtype=torch.float64)


def _descend(inputs: Tensor, targets: Tensor, *, optimizer: str, way: str) -> _FittedWeights:
    """Minimise the squared error of every seed, (seeds, 200, 20) and (seeds, 200), from weights of 1."""
    weight = nn.Parameter(torch.ones(len(inputs), 20, dtype=torch.float64))
    stepper = _OPTIMIZERS[optimizer]([weight], lr=_RATE)
    norms = []
    for _ in range(_STEPS):
        predictions = (inputs @ weight[:, :, None])[..., 0]
        loss = 0.5 * (predictions - targets).square().mean(1).sum()
        if way == "penalty":
            loss = loss + 0.5 * _DECAY * weight.square().sum()
        stepper.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if way == "decoupled":
            with torch.no_grad():
                weight.mul_(1 - _RATE * _DECAY)
        stepper.step()
        norms.append(weight.detach().norm(dim=1))
    return _FittedWeights(weight.detach(), torch.stack(norms, 1).tolist())


def _pairs(name: str, penalty: Tensor, *, decoupled: Tensor, colour: int) -> Panel:
    both = [penalty.tolist(), decoupled.tolist()]
    low = min(map(min, both))
    high = max(map(max, both))
    dots = Curve("", tuple(zip(*both, strict=True)), "dots", colour)
    line = Curve("equal", ((low, low), (high, high)), "line", -1)
    return Panel(f"{name}: every weight, decayed both ways", "with an L2 penalty", "decoupled", (line, dots))


def run(conditions: Conditions) -> Result:
    """Descend with both kinds of decay and both optimizers."""
    draws = repeat(conditions, _examples)
    inputs = torch.stack([one for one, _ in draws])
    targets = torch.stack([other for _, other in draws])
    found = {(name, way): _descend(inputs, targets, optimizer=name, way=way) for name in _OPTIMIZERS for way in _WAYS}
    ends = {name: (found[name, "penalty"].weights, found[name, "decoupled"].weights) for name in _OPTIMIZERS}
    gaps = {name: (one - other).abs().amax(1).tolist() for name, (one, other) in ends.items()}
    norms = mean_curves({f"{name}, {way}": one.norms for (name, way), one in found.items()})
    figure = Figure(
        "SGD: both kinds of decay end at the same weights, on the diagonal. Adam: they do not. Weights of seed 0.",
        (
            _pairs("SGD", ends["SGD"][0][0], decoupled=ends["SGD"][1][0], colour=0),
            _pairs("Adam", ends["Adam"][0][0], decoupled=ends["Adam"][1][0], colour=2),
            Panel("With Adam the two diverge", "step", "norm of the weights", norms),
        ),
    )
    return result(
        {
            "SGD: largest difference of a weight": (mean_of(gaps["SGD"]), near(0, within=1e-9)),
            "Adam: largest difference of a weight": (mean_of(gaps["Adam"]), at_least(0.01)),
        },
        figure,
    )
