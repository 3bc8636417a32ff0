"""With max-norm no weight vector ever grows beyond the limit, and the loss stays bounded, at any learning rate.

Plain gradient descent at a learning rate that is too high, with and without rescaling every incoming weight vector to a
norm of at most 2 after each step (Srivastava et al. 2014, section 5.1). Without it weights and loss explode by orders
of magnitude; with it neither can. It does not make such a rate useful: the network learns little either way.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from trainwell.core.figure import Figure, Level, Panel
from trainwell.lab.learning import Images, dense, hidden_weights, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, result
from trainwell.lab.seeds import mean_curves
from trainwell.optim.constraints import max_norm_

_LIMIT = 2.0
_RATE = 1.5
_MOST = 1e3


def orders(curves: list[list[float]]) -> list[list[float]]:
    """Return the logarithms to base 10: one seed that explodes must not hide the others in a mean.

    >>> orders([[1.0, 100.0, float("inf")]])
    [[0.0, 2.0, 3.0]]
    """
    return [[math.log10(max(1e-3, value) if value < _MOST else _MOST) for value in values] for values in curves]


class _NormHistory(NamedTuple):
    """Largest norm of a weight vector and training loss over time, for each seed."""

    norms: list[list[float]]
    losses: list[list[float]]


def largest(curves: list[list[float]]) -> list[float]:
    """Return the largest value of each curve; one that overflows, or is no number, counts as a thousand.

    >>> largest([[1.0, 3.0, 2.0], [1.0, float("nan")]])
    [3.0, 1000.0]
    """
    return [max(value if value < _MOST else _MOST for value in values) for values in curves]


def _learn(data: Images, *, constrained: bool) -> _NormHistory:
    """Train with or without the constraint, from the same start."""
    model = dense([data.features, 100, 100, 10], seeds=len(data.inputs), start="he_normal")
    weights = hidden_weights(model)
    norms = []

    def constrain(step: int) -> None:
        if constrained:
            # (seeds, units, inputs) becomes (seeds * units, inputs): one weight vector in each row.
            max_norm_([weight.flatten(0, 1) for weight in weights], _LIMIT)
        norms.append(torch.cat([weight.detach().norm(dim=2) for weight in weights], 1).amax(1).tolist())

    losses = train(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=_RATE), steps=300, after=constrain)
    return _NormHistory(transposed(norms), losses)


def run(conditions: Conditions) -> Result:
    """Train with and without the constraint."""
    data = images(conditions, train=1000)
    free = _learn(data, constrained=False)
    held = _learn(data, constrained=True)
    norms = mean_curves({"without": orders(free.norms), "max-norm": orders(held.norms)})
    losses = mean_curves({"without": orders(free.losses), "max-norm": orders(held.losses)})
    limit = (Level(math.log10(_LIMIT), "limit"),)
    figure = Figure(
        "Without the constraint weights and loss grow by orders of magnitude; with max-norm both stay bounded.",
        (
            Panel("No weight vector exceeds the limit", "step", "largest norm, power of 10", norms, levels=limit),
            Panel("The loss stays bounded", "step", "training loss, power of 10", losses),
        ),
    )
    worst = largest(held.losses)
    growth = [math.log10(norm / _LIMIT) for norm in largest(free.norms)]
    ratios = [math.log10(loss / bounded) for loss, bounded in zip(largest(free.losses), worst, strict=True)]
    return result(
        {
            "largest norm, max-norm": (mean_of(largest(held.norms)), at_most(_LIMIT + 1e-6)),
            "largest norm without / limit, power of 10": (mean_of(growth), at_least(math.log10(1.5))),
            "largest loss, max-norm": (mean_of(worst), at_most(30.0)),
            "largest loss, without / max-norm, power of 10": (mean_of(ratios), at_least(math.log10(2))),
        },
        figure,
        remark=data.remark,
    )
