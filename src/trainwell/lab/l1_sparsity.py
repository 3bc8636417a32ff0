"""An L1 penalty sets weights to exactly 0; an L2 penalty only makes them small.

A linear model of 100 inputs, ten of which matter, is fitted to 80 noisy examples: fewer than weights. |w| pulls with
the same force however small w is, so that useless weights arrive at 0 (the lasso, Tibshirani 1996); w² pulls ever less.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import LOG_X, Figure, Panel, curve, curves
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result
from trainwell.optim.penalties import soft_threshold_

_INPUTS, _USEFUL, _EXAMPLES = 100, 10, 80


def _fit(inputs: Tensor, targets: Tensor, *, l1: float = 0.0, l2: float = 0.0) -> Tensor:
    """Descend on mean squared error / 2 plus penalties; the L1 part by its exact step."""
    weight = torch.zeros(1, _INPUTS, dtype=torch.float64)
    rate = 0.9 * len(inputs) / float(torch.linalg.matrix_norm(inputs, 2) ** 2)
    for _ in range(3000):
        weight = weight - rate * ((inputs @ weight[0] - targets) @ inputs / len(inputs) + l2 * weight)
        soft_threshold_([weight], rate * l1)
    return weight[0]


def run(conditions: Conditions) -> Result:
    """Fit with both penalties, and follow the weights as the penalty grows."""
    truth = torch.zeros(_INPUTS, dtype=torch.float64)
    truth[:_USEFUL] = torch.linspace(1, 2, _USEFUL, dtype=torch.float64) * torch.tensor([1, -1] * 5)
    inputs = torch.randn(_EXAMPLES, _INPUTS, dtype=torch.float64)
    targets = inputs @ truth + 0.5 * torch.randn(_EXAMPLES, dtype=torch.float64)
    fitted = {"L1": _fit(inputs, targets, l1=0.2), "L2": _fit(inputs, targets, l2=0.2)}
    zeros = {name: float((weight == 0).double().mean()) for name, weight in fitted.items()}
    errors = {name: float((weight - truth).norm()) for name, weight in fitted.items()}
    strengths = [0.02 * 2**power for power in range(8)]
    shares = [float((_fit(inputs, targets, l1=strength) == 0).double().mean()) for strength in strengths]
    wide, named = (None, (-2.2, 2.2)), ("input", "weight")
    one, two = (curve("", weight, kind="dots", colour=number) for number, weight in enumerate(fitted.values()))
    growth = curves({"L1": shares, "L2": [0.0] * len(shares)}, xs=strengths)
    figure = Figure(
        "Ten of 100 inputs matter, the first ten. L1 leaves the others at 0, L2 spreads small weights over all.",
        (
            Panel("L1: nearly all useless weights are 0", *named, (one,), spans=wide),
            Panel("L2: every weight is a little wrong", *named, (two,), spans=wide),
            Panel("The stronger L1, the more zeros", "strength of the penalty", "share of zeros", growth, logs=LOG_X),
        ),
    )
    return result(
        {
            "L1: weights that are exactly 0": (zeros["L1"], at_least(0.6)),
            "L2: weights that are exactly 0": (zeros["L2"], near(0)),
            "L1: useful weights lost": (float((fitted["L1"][:_USEFUL] == 0).sum()), near(0)),
            "L1: distance from the true weights per L2": (errors["L1"] / errors["L2"], at_most(0.5)),
        },
        figure,
    )
