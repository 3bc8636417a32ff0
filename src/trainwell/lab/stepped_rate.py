"""When the loss reaches a plateau, a tenth of the learning rate lowers it at once.

Small batches at a high learning rate keep the weights oscillating around the minimum: the noise of the gradient, not a
lack of steps, keeps the loss up. Lowering the rate lets the weights settle (He et al. 2016 lower it twice). Lowered too
soon, training is slow for long.
"""

from __future__ import annotations

import torch

from trainwell.core.figure import LOG_Y, Axes, Figure, Level, Panel
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, at_most, mean_of, result
from trainwell.lab.seeds import mean_curves

_STEPS = 1500
_EVERY = 25
_DROP = 900
_SCHEDULES = {"constant": _STEPS, "lowered": _DROP, "lowered early": _EVERY}


def _learn(data: Images, *, drop: int) -> list[list[float]]:
    """Return the held-out loss over time with the rate lowered after step `drop`, one list for each seed."""
    model = dense([data.features, 32, 10], seeds=len(data.inputs), start="he_normal")
    descent = torch.optim.SGD(model.parameters(), lr=0.3, weight_decay=5e-3)
    found: list[list[float]] = []

    def record(step: int) -> None:
        if step == drop:
            descent.param_groups[0]["lr"] *= 0.1
        if step % _EVERY == 0:
            found.append(evaluate(model, data.held_inputs, targets=data.held_targets)[0])

    train(model, data, optimizer=descent, steps=_STEPS, batch=8, after=record)
    return transposed(found)


def run(conditions: Conditions) -> Result:
    """Train at a constant rate, with a drop after 900 steps, and with one after 25."""
    data = images(conditions, train=1000)
    losses = {name: _learn(data, drop=drop) for name, drop in _SCHEDULES.items()}
    at = _DROP // _EVERY
    falls = [sum(one[at + 2 : at + 12]) / sum(one[at - 10 : at]) for one in losses["lowered"]]
    pairs = zip(losses["constant"], losses["lowered"], strict=True)
    ends = [sum(constant[at + 2 :]) / sum(lowered[at + 2 :]) for constant, lowered in pairs]
    mark = (Level(float(_DROP), "rate ÷ 10", vertical=True),)
    figure = Figure(
        "At a constant rate the loss fluctuates; after the drop it is lower and smooth. Too early slows training.",
        (
            Panel(
                "Lowering the learning rate on a plateau",
                "step",
                "held-out loss",
                mean_curves(losses, xs=range(_EVERY, _STEPS + 1, _EVERY)),
                levels=mark,
                axes=Axes(logs=LOG_Y),
            ),
        ),
    )
    return result(
        {
            "loss, after the drop / before": (mean_of(falls), at_most(0.95)),
            "loss after the drop, constant / lowered": (mean_of(ends), at_least(1.1)),
        },
        figure,
        remark=data.remark,
    )
