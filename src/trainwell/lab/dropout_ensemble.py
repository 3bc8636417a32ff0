"""Dropout trains an ensemble of 2ⁿ networks; halved weights predict their geometric mean exactly.

A softmax layer behind eight hidden units has 256 sub-networks, one for each mask. The normalised geometric mean of
their predictions equals the prediction of the whole network with its units halved (Baldi and Sadowski 2013). The mean
of some random masks instead approaches the mean of all only with the square root of their number.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import LOG_BOTH, Axes, Curve, Figure, Panel, curve
from trainwell.lab.result import Conditions, Result, at_most, near, result
from trainwell.lab.seeds import mean_curve, means, repeat

_UNITS = 8
_CLASSES = 4
_COUNTS = [2**power for power in range(11)]


class _EnsemblePredictions(NamedTuple):
    """Predictions of all sub-networks (256, classes), the whole network's (classes,), and errors by number of masks."""

    members: Tensor
    halved: Tensor
    errors: list[float]

    @property
    def arithmetic(self) -> Tensor:
        return self.members.mean(0)

    @property
    def geometric(self) -> Tensor:
        return torch.softmax(self.members.log().mean(0), 0)


def _once() -> _EnsemblePredictions:
    """Evaluate a random softmax layer under every mask."""
    hidden = torch.rand(_UNITS, dtype=torch.float64) * 2
    # The arithmetic mean is only approximated, the better the smaller the weights: these are of a usual size.
    weight = 0.5 * torch.randn(_CLASSES, _UNITS, dtype=torch.float64)
    bias = torch.randn(_CLASSES, dtype=torch.float64)
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=_UNITS)), dtype=torch.float64)
    members = torch.softmax((masks * hidden) @ weight.T + bias, 1)
    halved = torch.softmax(weight @ (hidden / 2) + bias, 0)
    errors = []
    for count in _COUNTS:
        drawn = members[torch.randint(len(masks), (400, count))].mean(1)
        errors.append(float((drawn - members.mean(0)).square().sum(1).mean().sqrt()))
    return _EnsemblePredictions(members, halved, errors)


def _numbers(run: _EnsemblePredictions) -> dict[str, float]:
    return {
        "sub-networks": len(run.members),
        "geometric mean minus halved weights, largest": float((run.geometric - run.halved).abs().max()),
        "arithmetic mean minus halved weights, largest": float((run.arithmetic - run.halved).abs().max()),
        "error of 1 mask / error of 16 masks": run.errors[0] / run.errors[4],
    }


def _figure(runs: list[_EnsemblePredictions]) -> Figure:
    """Draw the sub-networks of the first seed, and the mean error of all seeds."""
    first = runs[0]
    shift = torch.linspace(-0.35, 0.35, len(first.members)).tolist()
    spread = tuple((c + shift[i], p) for i, row in enumerate(first.members.tolist()) for c, p in enumerate(row))
    names = tuple(f"class {number}" for number in range(1, _CLASSES + 1))
    bars = (
        curve("halved weights", first.halved, kind="bars", colour=0),
        curve("geometric mean", first.geometric, kind="bars", colour=1),
        curve("arithmetic mean", first.arithmetic, kind="bars", colour=2),
    )
    axes = ("class", "probability")
    drawn = mean_curve("random masks", [run.errors for run in runs], xs=_COUNTS)
    law = curve("1/√masks", [drawn.points[0][1] / count**0.5 for count in _COUNTS], xs=_COUNTS, colour=-1)
    return Figure(
        "256 sub-networks disagree; the network with halved weights predicts exactly their geometric mean. Seed 0.",
        (
            Panel(
                "Predictions of 256 sub-networks", *axes, (Curve("", spread, "dots", -1),), axes=Axes(categories=names)
            ),
            Panel("Their means and the halved weights", *axes, bars, axes=Axes(categories=names)),
            Panel(
                "Averaging random masks instead",
                "masks",
                "distance from the mean of all",
                (drawn, law),
                axes=Axes(logs=LOG_BOTH),
            ),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Enumerate all masks of several networks."""
    runs = repeat(conditions, _once)
    found = means([_numbers(one) for one in runs])
    expected = {
        "sub-networks": near(2**_UNITS),
        "geometric mean minus halved weights, largest": near(0, within=1e-12),
        "arithmetic mean minus halved weights, largest": at_most(0.1),
        "error of 1 mask / error of 16 masks": near(4, within=0.6),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, _figure(runs))
