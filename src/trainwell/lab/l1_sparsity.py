"""An L1 penalty sets weights to exactly 0; an L2 penalty only makes them small.

A linear model of 100 inputs, ten of which matter, is fitted to 80 noisy examples: fewer than weights. The gradient of
|w| has the same size however small w is, so useless weights reach 0 (the lasso, Tibshirani 1996); that of w² shrinks
with w.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import LOG_X, Axes, Figure, Panel, curve
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curve, repeat
from trainwell.optim.penalties import soft_threshold_

_INPUTS = 100
_USEFUL = 10
_EXAMPLES = 80
_STRENGTHS = [0.02 * 2**power for power in range(9)]


def _true_weights() -> Tensor:
    truth = torch.zeros(_INPUTS, dtype=torch.float64)
    truth[:_USEFUL] = torch.linspace(1, 2, _USEFUL, dtype=torch.float64) * torch.tensor([1, -1] * 5)
    return truth


def _examples() -> tuple[Tensor, Tensor]:
    """Draw inputs (80, 100) and noisy targets (80,)."""
    inputs = torch.randn(_EXAMPLES, _INPUTS, dtype=torch.float64)
    return inputs, inputs @ _true_weights() + 0.5 * torch.randn(_EXAMPLES, dtype=torch.float64)


def _fit(inputs: Tensor, targets: Tensor, *, l1: float = 0.0, l2: float = 0.0) -> Tensor:
    """Minimise mean squared error / 2 plus penalties by gradient descent; the L1 part by its proximal step.

    Args:
        inputs: (seeds, examples, inputs).
        targets: (seeds, examples).
        l1: strength of the L1 penalty.
        l2: strength of the L2 penalty.
    Returns:
        (seeds, inputs).
    """
    count = inputs.shape[1]
    weight = torch.zeros(len(inputs), 1, _INPUTS, dtype=torch.float64)
    rates = 0.9 * count / torch.linalg.matrix_norm(inputs, 2).square()
    # The squared error is a quadratic form, so its two coefficients are computed once.
    hessian = inputs.transpose(1, 2) @ inputs / count
    slope = (targets[:, None] @ inputs) / count
    for _ in range(3000):
        weight = weight - rates[:, None, None] * (weight @ hessian - slope + l2 * weight)
        for one, rate in zip(weight, rates.tolist(), strict=True) if l1 else ():
            soft_threshold_([one], rate * l1)
    return weight[:, 0]


def _zeros(weights: Tensor) -> list[float]:
    return [float((weight == 0).double().mean()) for weight in weights]


def run(conditions: Conditions) -> Result:
    """Fit with both penalties, and follow the number of zeros as the penalty grows."""
    draws = repeat(conditions, _examples)
    inputs = torch.stack([one for one, _ in draws])
    targets = torch.stack([other for _, other in draws])
    truth = _true_weights()
    fitted = {"L1": _fit(inputs, targets, l1=0.2), "L2": _fit(inputs, targets, l2=0.2)}
    errors = {name: (weights - truth).norm(dim=1) for name, weights in fitted.items()}
    fractions = [_zeros(_fit(inputs, targets, l1=strength)) for strength in _STRENGTHS]
    wide = (None, (-2.2, 2.2))
    dots = [curve("", weights[0], kind="dots", colour=number) for number, weights in enumerate(fitted.values())]
    growth = (
        mean_curve("L1", list(zip(*fractions, strict=True)), xs=_STRENGTHS),
        curve("L2", [0.0] * len(_STRENGTHS), xs=_STRENGTHS, colour=1),
    )
    figure = Figure(
        "Ten of 100 inputs matter, the first ten. L1 sets the others to 0; L2 spreads small weights over all. Seed 0.",
        (
            Panel("L1: nearly all useless weights are 0", "input", "weight", (dots[0],), axes=Axes(spans=wide)),
            Panel("L2: every weight is a little wrong", "input", "weight", (dots[1],), axes=Axes(spans=wide)),
            Panel("The stronger L1, the more zeros", "strength", "fraction of zeros", growth, axes=Axes(logs=LOG_X)),
        ),
    )
    lost = [float(count) for count in (fitted["L1"][:, :_USEFUL] == 0).sum(1).tolist()]
    return result(
        {
            "L1: fraction of weights that are exactly 0": (mean_of(_zeros(fitted["L1"])), at_least(0.6)),
            "L2: fraction of weights that are exactly 0": (mean_of(_zeros(fitted["L2"])), near(0)),
            "L1: useful weights lost": (mean_of(lost), near(0)),
            "distance from the true weights, L1 / L2": (
                mean_of((errors["L1"] / errors["L2"]).tolist()),
                at_most(0.5),
            ),
        },
        figure,
    )
