"""Batch 1000 at rate 0.01 learns like batch 100 at 0.001: ten times the batch, ten times the rate.

Per epoch the larger batch takes a tenth of the steps; only ten times as long steps bring it as far (Goyal et al. 2017,
section 2.1). At the old rate it lags behind, and √10 times the rate, which would keep the noise, does not suffice.
Plain descent; the original uses CIFAR-10: give it with --data.
"""

from __future__ import annotations

import torch

from trainwell.core.figure import Figure, Panel, curves
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result
from trainwell.nn import initialise

_WAYS = {
    "100 at 0.001": (100, 0.001),
    "1000 at 0.01": (1000, 0.01),
    "1000 at 0.00316": (1000, 0.00316),
    "1000 at 0.001": (1000, 0.001),
}


def run(conditions: Conditions) -> Result:
    """Train from the same start with four pairs of batch and rate."""
    data = pictures(conditions, train=20_000 if conditions.full else 1000)
    epochs = 100
    losses: dict[str, list[float]] = {}
    for name, (batch, rate) in _WAYS.items():
        model = dense([data.inputs[0].numel(), 100, 10])
        initialise(model, "he_normal", seed=0)
        found = losses.setdefault(name, [judge(model, data.held_inputs, data.held_targets)[0]])
        every = len(data.inputs) // batch

        def look(step: int, model: torch.nn.Module = model, found: list[float] = found, every: int = every) -> None:
            if step % every == 0:
                found.append(judge(model, data.held_inputs, data.held_targets)[0])

        learn(model, data, torch.optim.SGD(model.parameters(), lr=rate), steps=epochs * every, batch=batch, after=look)
    ends = {name: found[-1] for name, found in losses.items()}
    gaps = [abs(a - b) for a, b in zip(losses["100 at 0.001"], losses["1000 at 0.01"], strict=True)]
    figure = Figure(
        "The curves of batch 100 at 0.001 and batch 1000 at 0.01 lie on each other; smaller rates lag behind.",
        (Panel("Ten times the batch needs ten times the rate", "epoch", "loss on held-out pictures", curves(losses)),),
    )
    return result(
        {
            "loss, 1000 at 0.01 per 100 at 0.001": (ends["1000 at 0.01"] / ends["100 at 0.001"], near(1, within=0.02)),
            "largest gap between these curves": (max(gaps), at_most(0.05)),
            "lag of 1000 at 0.00316": (ends["1000 at 0.00316"] - ends["100 at 0.001"], at_least(0.2)),
            "lag of 1000 at 0.001": (ends["1000 at 0.001"] - ends["100 at 0.001"], at_least(0.4)),
        },
        figure,
        data.remark,
    )
