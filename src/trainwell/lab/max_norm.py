"""With max-norm no unit's weight vector ever grows past the limit, however large the steps.

Plain descent at a bold rate, with and without shortening every incoming weight vector to 2 behind each step
(Srivastava et al. 2014, section 5.1): the constraint always holds, and lets one use rates that otherwise blow up.
"""

from __future__ import annotations

import torch
from torch import nn

from trainwell.core.figure import LOG_Y, Figure, Level, Panel, curves
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, result
from trainwell.nn import initialise
from trainwell.optim.constraints import max_norm_

_LIMIT, _RATE = 2.0, 1.0


def run(conditions: Conditions) -> Result:
    """Train with and without the constraint, from the same start."""
    data = pictures(conditions, train=1000)
    norms: dict[str, list[float]] = {"free": [], "max-norm": []}
    losses, scores = {}, {}
    for name, found in norms.items():
        model = dense([data.inputs[0].numel(), 100, 100, 10])
        initialise(model, "he_normal", seed=0)
        layers = [layer for layer in model if isinstance(layer, nn.Linear)]

        def look(step: int, name: str = name, found: list[float] = found, layers: list[nn.Linear] = layers) -> None:
            if name == "max-norm":
                max_norm_([layer.weight for layer in layers], _LIMIT)
            found.append(max(layer.weight.detach().norm(dim=1).max().item() for layer in layers))

        losses[name] = learn(model, data, torch.optim.SGD(model.parameters(), lr=_RATE), steps=300, after=look)
        scores[name] = judge(model, data.held_inputs, data.held_targets)[1]
    figure = Figure(
        "Free weights grow with every wild step; constrained ones stop at 2 and the loss calms down.",
        (
            Panel(
                "No unit grows beyond the limit",
                "step",
                "longest weight vector",
                curves(norms),
                levels=(Level(_LIMIT, "limit"),),
            ),
            Panel("At this rate the loss needs it", "step", "training loss", curves(losses), logs=LOG_Y),
        ),
    )
    return result(
        {
            "longest vector ever, max-norm": (max(norms["max-norm"]), at_most(_LIMIT + 1e-6)),
            "longest vector ever, free": (min(1e6, max(norms["free"])), at_least(1.5 * _LIMIT)),
            "gain of accuracy by max-norm": (scores["max-norm"] - scores["free"], at_least(0.0)),
        },
        figure,
        data.remark,
    )
