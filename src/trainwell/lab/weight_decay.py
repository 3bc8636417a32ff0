"""Decay as a penalty and decay of the weights are the same for SGD, and not for Adam.

The penalty adds λw to the gradient; decoupled decay multiplies weights by 1 - rate·λ. SGD's step is proportional to the
gradient, so both agree. Adam divides the gradient, penalty included, by its usual size: how fast a weight decays then
depends on its gradients instead of on λ (Loshchilov and Hutter 2019). Half of the inputs are ten times larger.
"""

from __future__ import annotations

import torch
from torch import nn

from trainwell.core.figure import Figure, Panel, Series, curves
from trainwell.lab.result import Conditions, Result, at_least, near, result

_STEPS, _DECAY = 400, 0.1


def _descend(
    inputs: torch.Tensor, targets: torch.Tensor, *, adam: bool, decoupled: bool
) -> tuple[torch.Tensor, list[float]]:
    weight = nn.Parameter(torch.ones(20, dtype=torch.float64))
    rate = 0.01
    optimizer = (torch.optim.Adam if adam else torch.optim.SGD)([weight], lr=rate)
    norms = []
    for _ in range(_STEPS):
        loss = 0.5 * (inputs @ weight - targets).square().mean()
        if not decoupled:
            loss = loss + 0.5 * _DECAY * weight.square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            if decoupled:
                weight.mul_(1 - rate * _DECAY)
        optimizer.step()
        norms.append(weight.norm().item())
    return weight.detach(), norms


def _pairs(kind: str, ends: dict[str, torch.Tensor]) -> Panel:
    both = [ends[f"{kind}, {way}"].tolist() for way in ("penalty", "decoupled")]
    low, high = min(map(min, both)), max(map(max, both))
    dots = Series("", tuple(zip(*both, strict=True)), "dots", 0 if kind == "SGD" else 2)
    line = Series("equal", ((low, low), (high, high)), "line", -1)
    return Panel(f"{kind}: every weight, decayed both ways", "by the penalty", "decoupled", (line, dots))


def run(conditions: Conditions) -> Result:
    """Descend with both decays and both optimizers."""
    sizes = torch.cat([torch.ones(10), torch.full((10,), 10.0)]).double()
    inputs = torch.randn(200, 20, dtype=torch.float64) * sizes
    targets = 0.3 * torch.randn(200, dtype=torch.float64)
    inputs = inputs * 0.1
    ends, norms = {}, {}
    for adam in (False, True):
        for decoupled in (False, True):
            name = f"{'Adam' if adam else 'SGD'}, {'decoupled' if decoupled else 'penalty'}"
            ends[name], norms[name] = _descend(inputs, targets, adam=adam, decoupled=decoupled)
    gaps = {
        kind: float((ends[f"{kind}, penalty"] - ends[f"{kind}, decoupled"]).abs().max()) for kind in ("SGD", "Adam")
    }
    return result(
        {
            "SGD: largest difference of a weight": (gaps["SGD"], near(0, within=1e-9)),
            "Adam: largest difference of a weight": (gaps["Adam"], at_least(0.01)),
        },
        Figure(
            "SGD: both decays end at the same weights, on the diagonal. Adam: they do not.",
            (
                *(_pairs(kind, ends) for kind in gaps),
                Panel("With Adam the two ways part", "step", "norm", curves(norms)),
            ),
        ),
    )
