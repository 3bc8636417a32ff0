"""DropConnect drops single weights: the outputs are close to a Gaussian with known mean and variance.

A unit with 64 inputs drops each weight with probability 1/2; kept weights count double. Over many masks the mean is
w·x + b, the output at prediction, and the variance is p/(1-p) Σ w²x² (Wan et al. 2013 match a Gaussian to the two).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import Figure, Level, Panel, curve, histogram
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.lab.seeds import means, repeat
from trainwell.nn.layers import DropConnect

_DRAWS = 40_000


class _MaskedOutputs(NamedTuple):
    """Outputs under random masks (draws,), the output at prediction, and the standard deviation in theory."""

    drawn: Tensor
    whole: float
    deviation: float


def _once() -> _MaskedOutputs:
    """Draw masks of one random layer for one random input."""
    layer = DropConnect(64, 1, p=0.5)
    inputs = torch.randn(64)
    with torch.no_grad():
        drawn = layer(inputs.expand(_DRAWS, -1))[:, 0]
        whole = layer.eval()(inputs[None]).item()
        deviation = float((layer.linear.weight**2 @ inputs**2).sqrt())
    return _MaskedOutputs(drawn, whole, deviation)


def _numbers(run: _MaskedOutputs) -> dict[str, float]:
    standard = (run.drawn - run.whole) / run.deviation
    return {
        "mean of the outputs, in standard deviations from the prediction": standard.mean().item(),
        "standard deviation of the outputs / theory": standard.std().item(),
        "fraction within two standard deviations": float((standard.abs() < 2).float().mean()),
    }


def _figure(run: _MaskedOutputs) -> Figure:
    """Draw the outputs of one layer."""
    low = run.whole - 4 * run.deviation
    step = 8 * run.deviation / 40
    xs = [low + (number + 0.5) * step for number in range(40)]
    bell = [
        step / run.deviation / math.sqrt(2 * math.pi) * math.exp(-(((x - run.whole) / run.deviation) ** 2) / 2)
        for x in xs
    ]
    running = (run.drawn.cumsum(0) / torch.arange(1, _DRAWS + 1))[:400].tolist()
    outputs = histogram("drawn", run.drawn, span=(low, low + 8 * run.deviation))
    return Figure(
        "Each mask gives another output. Their mean is the prediction of the whole layer; their variance is known.",
        (
            Panel(
                "40,000 masks of one layer",
                "output",
                "fraction of masks",
                (outputs, curve("Gaussian", bell, xs=xs, colour=1)),
                levels=(Level(run.whole, "prediction", vertical=True),),
            ),
            Panel(
                "The mean converges to the prediction",
                "masks",
                "mean of outputs",
                (curve("mean", running, xs=range(1, 401)),),
                levels=(Level(run.whole, "prediction"),),
            ),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Draw masks of several layers, and compare the moments of the outputs with theory."""
    runs = repeat(conditions, _once)
    found = means([_numbers(one) for one in runs])
    expected = {
        # The mean of 40,000 draws has a standard error of 1/200 of their standard deviation.
        "mean of the outputs, in standard deviations from the prediction": near(0, within=5 / math.sqrt(_DRAWS)),
        "standard deviation of the outputs / theory": near(1, within=0.02),
        "fraction within two standard deviations": near(0.954, within=0.01),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, _figure(runs[0]))
