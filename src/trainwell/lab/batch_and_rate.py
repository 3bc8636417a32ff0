"""Batch size and learning rate scale together: batch 1000 at 0.01 learns like batch 100 at 0.001.

Per epoch the larger batch takes a tenth of the steps, so only steps ten times as long bring it as far (Goyal et al.
2017, section 2.1). At the old learning rate it lags behind, and √10 times the rate, which would keep the noise of the
gradient constant, is not enough. Plain gradient descent; the original uses CIFAR-10: pass it with --data.
"""

from __future__ import annotations

import torch

from trainwell.core.figure import Figure, Panel
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, near, result
from trainwell.lab.seeds import mean_curves

_WAYS = {
    "100 at 0.001": (100, 0.001),
    "1000 at 0.01": (1000, 0.01),
    "1000 at 0.00316": (1000, 0.00316),
    "1000 at 0.001": (1000, 0.001),
}
_EPOCHS = 100


def _learn(data: Images, *, batch: int, rate: float) -> list[list[float]]:
    """Return the held-out loss at the start and after every epoch, one list for each seed."""
    model = dense([data.features, 100, 10], seeds=len(data.inputs), start="he_normal")
    found = [evaluate(model, data.held_inputs, targets=data.held_targets)[0]]
    every = data.targets.shape[1] // batch

    def record(step: int) -> None:
        if step % every == 0:
            found.append(evaluate(model, data.held_inputs, targets=data.held_targets)[0])

    descent = torch.optim.SGD(model.parameters(), lr=rate)
    train(model, data, optimizer=descent, steps=_EPOCHS * every, batch=batch, after=record)
    return transposed(found)


def run(conditions: Conditions) -> Result:
    """Train from the same start with four pairs of batch size and learning rate."""
    data = images(conditions, train=20_000 if conditions.full else 1000)
    losses = {name: _learn(data, batch=batch, rate=rate) for name, (batch, rate) in _WAYS.items()}
    pairs = list(zip(losses["100 at 0.001"], losses["1000 at 0.01"], strict=True))
    gaps = [max(abs(a - b) for a, b in zip(small, large, strict=True)) for small, large in pairs]

    def lags(name: str) -> list[float]:
        return [slow[-1] - small[-1] for slow, small in zip(losses[name], losses["100 at 0.001"], strict=True)]

    figure = Figure(
        "The curves of batch 100 at 0.001 and batch 1000 at 0.01 coincide; smaller learning rates lag behind.",
        (
            Panel(
                "Ten times the batch needs ten times the rate",
                "epoch",
                "loss on held-out images",
                mean_curves(losses),
            ),
        ),
    )
    return result(
        {
            "final loss, 1000 at 0.01 / 100 at 0.001": (
                mean_of([large[-1] / small[-1] for small, large in pairs]),
                near(1, within=0.02),
            ),
            "largest gap between these curves": (mean_of(gaps), at_most(0.05)),
            "lag of 1000 at 0.00316": (mean_of(lags("1000 at 0.00316")), at_least(0.2)),
            "lag of 1000 at 0.001": (mean_of(lags("1000 at 0.001")), at_least(0.4)),
        },
        figure,
        remark=data.remark,
    )
