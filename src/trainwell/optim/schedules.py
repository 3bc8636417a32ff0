"""Learning-rate schedules as pure functions of progress: resume lands on the same value because nothing is counted.

Each law maps progress through the run, in [0, 1], to a share of the highest rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from trainwell.core.catalogue import Catalogue
from trainwell.recipe.sections import OptimRecipe

Law = Callable[[float, OptimRecipe, int], float]


def constant(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Keep the rate.

    Formula: r0
    Use: short runs, and to see what a rate does.
    Cost: none, but the noise of the last steps never settles.
    Lab: schedules

    >>> constant(0.7, OptimRecipe(), 10)
    1.0
    """
    return 1.0


def linear(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall in a straight line to zero: 1 - t/T.

    Formula: r0 (1 - t/T)
    Use: fine-tuning, and whenever the length of the run is known.
    Cost: the length must be known beforehand.
    Lab: schedules

    >>> linear(0.25, OptimRecipe(), 10)
    0.75
    """
    return 1.0 - progress


def cosine(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall along half a cosine to zero: (1 + cos(pi t/T)) / 2 (Loshchilov and Hutter 2017, equation 5).

    Formula: r0 (1 + cos(pi t/T)) / 2
    Use: the default: long at high rates, gentle at the end.
    Cost: the length must be known beforehand.
    Lab: schedules
    Source: Loshchilov and Hutter 2017

    >>> cosine(0.5, OptimRecipe(), 10)
    0.5
    """
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def step(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Drop by `step_factor` after every `step_epochs` epochs: gamma ** floor(n/s).

    Formula: r0 gamma^floor(n/s), n in epochs
    Use: classic for convolution networks: drop by 10 when the loss has flattened.
    Cost: two more settings; a drop too early costs accuracy.
    Lab: stepped_rate, schedules

    >>> step(0.5, OptimRecipe(step_epochs=2.0, step_factor=0.1), 4)
    0.1
    """
    # The nudge keeps a drop that falls exactly on a step from depending on how the division rounds.
    return recipe.step_factor ** math.floor(progress * epochs / recipe.step_epochs + 1e-9)


def exponential(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Shrink by the same factor every epoch: e ** -kt with k = `schedule_decay`; gamma ** n where k = -ln gamma.

    Formula: r0 e^(-kn), n in epochs
    Use: runs of unknown length.
    Cost: one more setting; too large a k stops learning early.
    Lab: schedules

    >>> round(exponential(0.5, OptimRecipe(schedule_decay=0.1), 20), 6) == round(math.exp(-1), 6)
    True
    """
    return math.exp(-recipe.schedule_decay * progress * epochs)


def inverse(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as 1 / (1 + kt): steps add up to infinity, their squares do not (Robbins and Monro 1951).

    Formula: r0 / (1 + kn), n in epochs
    Use: convex losses, where convergence must be certain.
    Cost: one more setting; slow at the end.
    Lab: schedules
    Source: Robbins and Monro 1951

    >>> inverse(0.5, OptimRecipe(schedule_decay=0.1), 20)
    0.5
    """
    return 1.0 / (1.0 + recipe.schedule_decay * progress * epochs)


def inverse_power(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as (1 + kt) ** -c with c = `schedule_power`; Caffe's "inv".

    Formula: r0 (1 + kn)^-c, n in epochs
    Use: between constant (c = 0) and inverse (c = 1).
    Cost: two more settings.
    Lab: schedules

    >>> inverse_power(0.5, OptimRecipe(schedule_decay=0.3, schedule_power=0.5), 20)
    0.5
    """
    return math.pow(1.0 + recipe.schedule_decay * progress * epochs, -recipe.schedule_power)


def inverse_sqrt(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Fall as sqrt(w / n) after the w steps of warm-up (Vaswani et al. 2017, section 5.3); w is one epoch without any.

    Formula: r0 sqrt(w / n) after w steps of warm-up
    Use: transformers and runs of unknown length.
    Cost: warm-up must be chosen with it.
    Lab: schedules
    Source: Vaswani et al. 2017

    >>> inverse_sqrt(0.4, OptimRecipe(warmup=0.1), 20)
    0.5
    """
    start = recipe.warmup or 1.0 / epochs
    return math.sqrt(start / max(start, progress))


def plateau(progress: float, recipe: OptimRecipe, epochs: int) -> float:
    """Keep the rate until the validation score stops rising, then drop it by `step_factor`, again and again.

    The drops are no function of the step: the run counts them in its state, so that a resumed one has the same.

    Formula: r0 gamma^(drops); a drop after `plateau_epochs` epochs without a better validation score
    Use: when the length of the run is not known and a validation split is there.
    Cost: waits at every plateau; noise in small validation splits drops too soon.
    Lab: stepped_rate

    >>> plateau(0.7, OptimRecipe(), 10)
    1.0
    """
    return 1.0


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
        "plateau": plateau,
    },
)


# Goyal et al. 2017, figure 1: up to 8,192 pictures the linear rule kept ImageNet's accuracy from 256, with warm-up.
_MOST_SCALING = 32.0


def rescaled_rate(rate: float, *, batch: int, reference: int, rule: str = "linear") -> tuple[float, str]:
    """Return the rate for another batch size, and a warning where the rule is known to break (empty if not).

    For k times the batch the rate is multiplied by k in practice (Goyal et al. 2017), which keeps the distance gone in
    an epoch, or by sqrt(k) in theory (Krizhevsky 2014), which keeps the noise of a step; adaptive optimizers follow
    the root (Malladi et al. 2022).

    Args:
        rate: at the reference batch size.
        batch: the new batch size.
        reference: the batch size the rate is meant for.
        rule: "linear" or "sqrt".

    >>> rescaled_rate(0.1, batch=512, reference=128)
    (0.4, '')
    >>> rescaled_rate(0.1, batch=512, reference=128, rule="sqrt")
    (0.2, '')
    """
    factor = batch / reference
    scaled = rate * (math.sqrt(factor) if rule == "sqrt" else factor)
    warning = ""
    if factor > _MOST_SCALING:
        warning = (
            f"The batch of {batch:,} is {factor:g} times the {reference:,} the rate is meant for: beyond about "
            f"{_MOST_SCALING:g} times no rescaling keeps the accuracy. Use a smaller batch, or find the rate anew with "
            "trainwell range-test."
        )
    return scaled, warning


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
