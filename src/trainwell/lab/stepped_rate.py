"""When the loss no longer falls, a tenth of the rate makes it fall at once.

Small batches at a high rate bounce around the valley: noise, not lack of steps, keeps the loss up. A drop of the rate
lets the weights settle (He et al. 2016 drop twice). Dropped too soon, the run is slow for long.
"""

from __future__ import annotations

import torch

from trainwell.core.figure import LOG_Y, Figure, Level, Panel, curves
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, result
from trainwell.nn import initialise

_STEPS, _EVERY = 1500, 25


def run(conditions: Conditions) -> Result:
    """Train at a constant rate, with a drop after 900 steps, and with one after 25."""
    data = pictures(conditions, train=1000)
    losses: dict[str, list[float]] = {}
    for name, drop in {"constant": _STEPS, "dropped": 900, "dropped early": 25}.items():
        model = dense([data.inputs[0].numel(), 32, 10])
        initialise(model, "he_normal", seed=0)
        descent = torch.optim.SGD(model.parameters(), lr=0.3, weight_decay=5e-3)
        found = losses.setdefault(name, [])

        def look(
            step: int,
            model: torch.nn.Module = model,
            descent: torch.optim.Optimizer = descent,
            drop: int = drop,
            found: list[float] = found,
        ) -> None:
            if step == drop:
                descent.param_groups[0]["lr"] *= 0.1
            if step % _EVERY == 0:
                found.append(judge(model, data.held_inputs, data.held_targets)[0])

        learn(model, data, descent, steps=_STEPS, batch=8, after=look)
    at = 900 // _EVERY
    parts = (losses["dropped"][at - 10 : at], losses["dropped"][at + 2 : at + 12])
    before, after = (sum(part) / len(part) for part in parts)
    rough = {name: sum(found[at + 2 :]) / len(found[at + 2 :]) for name, found in losses.items()}
    shown = curves(losses, xs=range(_EVERY, _STEPS + 1, _EVERY))
    mark = Level(900.0, "rate ÷ 10", vertical=True)
    figure = Figure(
        "At a constant rate the loss bounces; after the drop it lies lower and still. Dropped early, it crawls.",
        (
            Panel(
                "A drop calms the held-out loss, too early stops it", "step", "loss", shown, levels=(mark,), logs=LOG_Y
            ),
        ),
    )
    return result(
        {
            "loss after the drop per before": (after / before, at_most(0.95)),
            "loss at the end, constant per dropped": (rough["constant"] / rough["dropped"], at_least(1.1)),
        },
        figure,
        data.remark,
    )
