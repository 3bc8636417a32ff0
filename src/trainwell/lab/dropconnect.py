"""DropConnect drops single weights: outputs scatter around the prediction like a Gaussian of known size.

A unit with 64 inputs loses each weight with probability 1/2, kept ones count double. Over many masks its mean is
w·x + b, the output at prediction, and its variance p/(1-p) Σ w²x² (Wan et al. 2013 match a Gaussian to them).
"""

from __future__ import annotations

import math

import torch

from trainwell.core.figure import Figure, Level, Panel, curve, histogram
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.nn.layers import DropConnect

_DRAWS = 40_000


def run(conditions: Conditions) -> Result:
    """Draw masks, and compare the outputs' moments with the law."""
    layer, inputs = DropConnect(64, 1, p=0.5), torch.randn(64)
    with torch.no_grad():
        drawn = layer(inputs.expand(_DRAWS, -1))[:, 0]
        whole = layer.eval()(inputs[None]).item()
        deviation = float((layer.linear.weight**2 @ inputs**2).sqrt())
    span = (whole - 4 * deviation, whole + 4 * deviation)
    step = (span[1] - span[0]) / 40
    xs = [span[0] + (number + 0.5) * step for number in range(40)]
    bell = [step / deviation / math.sqrt(2 * math.pi) * math.exp(-(((x - whole) / deviation) ** 2) / 2) for x in xs]
    running = (drawn.cumsum(0) / torch.arange(1, _DRAWS + 1))[:400].tolist()
    figure = Figure(
        "Each mask gives another output; their mean is what the whole layer predicts, their spread is known.",
        (
            Panel("40,000 masks of one layer", "output", "share of masks",
                  (histogram("drawn", drawn, span=span), curve("Gaussian", bell, xs=xs, colour=1)),
                  levels=(Level(whole, "prediction", vertical=True),)),
            Panel("The mean settles at the prediction", "masks", "mean of outputs",
                  (curve("mean", running, xs=range(1, 401)),), levels=(Level(whole, "prediction"),)),
        ),
    )  # fmt: skip
    return result(
        {
            "mean of the outputs": (drawn.mean().item(), near(whole, within=5 * deviation / math.sqrt(_DRAWS))),
            "deviation of the outputs": (drawn.std().item(), near(deviation, within=0.02 * deviation)),
            "share within two deviations": (
                float(((drawn - whole).abs() < 2 * deviation).float().mean()),
                near(0.954, within=0.01),
            ),
        },
        figure,
    )
