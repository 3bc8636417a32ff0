"""Learning-rate schedules as pure functions of progress: resume lands on the same value because nothing is counted.

Each law maps progress through the run, in [0, 1], to a share of the highest rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from trainwell.core.catalogue import Catalogue
from trainwell.recipe.schema import OptimRecipe

Law = Callable[[float, OptimRecipe, int], float]


def constant(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Keep the rate.

    >>> constant(0.7, OptimRecipe(), 10)
    1.0
    """
    return 1.0


def linear(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall in a straight line to zero: 1 - t/T.

    >>> linear(0.25, OptimRecipe(), 10)
    0.75
    """
    return 1.0 - progress


def cosine(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall along half a cosine to zero: (1 + cos(pi t/T)) / 2 (Loshchilov and Hutter 2017, equation 5).

    >>> cosine(0.5, OptimRecipe(), 10)
    0.5
    """
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def step(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Drop by `step_factor` after every `step_epochs` epochs: gamma ** floor(n/s).

    >>> step(0.5, OptimRecipe(step_epochs=2.0, step_factor=0.1), 4)
    0.1
    """
    # The nudge keeps a drop that falls exactly on a step from depending on how the division rounds.
    return recipe.step_factor ** math.floor(progress * epochs / recipe.step_epochs + 1e-9)


def exponential(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Shrink by the same factor every epoch: e ** -kt with k = `schedule_decay`; gamma ** n where k = -ln gamma.

    >>> round(exponential(0.5, OptimRecipe(schedule_decay=0.1), 20), 6) == round(math.exp(-1), 6)
    True
    """
    return math.exp(-recipe.schedule_decay * progress * epochs)


def inverse(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as 1 / (1 + kt): steps add up to infinity, their squares do not (Robbins and Monro 1951).

    >>> inverse(0.5, OptimRecipe(schedule_decay=0.1), 20)
    0.5
    """
    return 1.0 / (1.0 + recipe.schedule_decay * progress * epochs)


def inverse_power(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as (1 + kt) ** -c with c = `schedule_power`; Caffe's "inv".

    >>> inverse_power(0.5, OptimRecipe(schedule_decay=0.3, schedule_power=0.5), 20)
    0.5
    """
    return math.pow(1.0 + recipe.schedule_decay * progress * epochs, -recipe.schedule_power)


def inverse_sqrt(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as sqrt(w / n) after the w steps of warm-up (Vaswani et al. 2017, section 5.3); w is one epoch without any.

    >>> inverse_sqrt(0.4, OptimRecipe(warmup=0.1), 20)
    0.5
    """
    start = recipe.warmup or 1.0 / epochs
    return math.sqrt(start / max(start, progress))


SCHEDULES: Catalogue[Law] = Catalogue(
    "schedule",
    {
        "constant": constant,
        "linear": linear,
        "cosine": cosine,
        "step": step,
        "exponential": exponential,
        "inverse": inverse,
        "inverse_power": inverse_power,
        "inverse_sqrt": inverse_sqrt,
    },
)


def schedule(recipe: OptimRecipe, *, steps: int, epochs: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the step, with warm-up in front of any law.

    Warm-up multiplies the law by (step + 1) / (w + 1) over the first w = `warmup` * `steps` steps
    (Goyal et al. 2017, section 2.2), so that the rate never jumps when it ends.

    Args:
        recipe: name, highest rate, warm-up and the law's own settings.
        steps: planned steps of the run.
        epochs: planned epochs of the run.

    >>> rate = schedule(OptimRecipe(learning_rate=0.1, schedule="linear", warmup=0.0), steps=10, epochs=1)
    >>> round(rate(0), 6), round(rate(5), 6)
    (0.1, 0.05)
    """
    law = SCHEDULES[recipe.schedule]
    warm = int(recipe.warmup * steps)

    def rate(step: int) -> float:
        risen = min(1.0, (step + 1) / (warm + 1))
        return recipe.learning_rate * risen * law(min(1.0, step / steps), recipe, epochs)

    return rate
