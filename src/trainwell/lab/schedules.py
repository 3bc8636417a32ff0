"""Every schedule is a closed form: the learning rate is a function of the step, without any state.

All start at 1 and run for 20 epochs: step decay halves every 4 epochs; exponential, inverse and inverse power decay use
k = 0.2 per epoch (c = 0.5); the inverse square root starts after one epoch. Warm-up over a tenth of the run can precede
any of them (Goyal et al. 2017). The plateau schedule is left out: it depends on scores.
"""

from __future__ import annotations

import dataclasses
import math

from trainwell.core.figure import Figure, Panel, curves
from trainwell.lab.result import Conditions, Result, near, result
from trainwell.optim import schedule
from trainwell.recipe.sections import OptimRecipe

_STEPS = 400
_EPOCHS = 20
_HALFWAY = {
    "constant": 1.0,
    "linear": 1 / 2,
    "cosine": 1 / 2,
    "step": 0.5**2,
    "exponential": math.exp(-0.2 * 10),
    "inverse": 1 / (1 + 0.2 * 10),
    "inverse_power": 1 / math.sqrt(1 + 0.2 * 10),
    "inverse_sqrt": math.sqrt(1 / 10),
}


def _rates(name: str, warmup: float) -> list[float]:
    recipe = OptimRecipe(schedule=name, learning_rate=1.0, warmup=warmup, step_epochs=4.0, step_factor=0.5)
    recipe = dataclasses.replace(recipe, schedule_decay=0.2, schedule_power=0.5)
    rate = schedule(recipe, steps=_STEPS, epochs=_EPOCHS)
    return [rate(step) for step in range(_STEPS)]


def run(conditions: Conditions) -> Result:
    """Evaluate every schedule that is a function of the step, at every step."""
    rates = {name: _rates(name, 0.0) for name in _HALFWAY}
    warm = {name: _rates(name, 0.1) for name in ("constant", "cosine", "inverse_sqrt")}
    epochs = [step * _EPOCHS / _STEPS for step in range(_STEPS)]
    ending = {name: rates[name] for name in ("constant", "linear", "cosine", "step")}
    endless = {name: rates[name] for name in ("exponential", "inverse", "inverse_power", "inverse_sqrt")}
    figure = Figure(
        "Left: schedules tied to the length of the run. Right: schedules that are not. Below: with warm-up.",
        (
            Panel("Tied to the length of the run", "epoch", "fraction of the highest rate", curves(ending, xs=epochs)),
            Panel("Independent of the length", "epoch", "fraction of the highest rate", curves(endless, xs=epochs)),
            Panel("With warm-up over two epochs", "epoch", "fraction of the highest rate", curves(warm, xs=epochs)),
        ),
    )
    checks = {f"{name} halfway": (rates[name][_STEPS // 2], near(_HALFWAY[name], within=1e-9)) for name in _HALFWAY}
    checks["cosine with warm-up, first step"] = (warm["cosine"][0], near(1 / 41, within=1e-9))
    return result(checks, figure)
