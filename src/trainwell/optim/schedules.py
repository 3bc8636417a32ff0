"""Learning-rate schedules as pure functions of progress: nothing is counted, so a resumed run has the same rates.

A schedule takes the numbers it needs and returns a factor of the highest learning rate for each progress through the
run, from 0 to 1. Its keyword-only arguments are named as settings of [optim], [train], or of a section registered from
outside: with any other schedule those settings of [optim] have no effect. Its docstring is its page in `trainwell
about`: r0 is the highest learning rate, t the step of T, n the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trainwell.core.catalogue import Catalogue
from trainwell.recipe.choice import Choice, arguments, keys_of, no_relation
from trainwell.recipe.schema import Recipe
from trainwell.recipe.sections.optim import OptimRecipe
from trainwell.recipe.sections.setting import Relation, Values

Factor = Callable[[float], float]
"""Progress through the run, in [0, 1], to a factor of the highest learning rate."""

_SECTIONS = ("optim", "train")


def constant() -> Factor:
    """Keep the learning rate.

    Formula: r0
    Use: short runs, and to see the effect of a learning rate.
    Cost: none, but the noise of the last steps remains.
    Lab: schedules

    >>> constant()(0.7)
    1.0
    """
    return lambda progress: 1.0


def linear() -> Factor:
    """Decay linearly to zero: 1 - t/T.

    Formula: r0 (1 - t/T)
    Use: fine-tuning, and whenever the length of the run is known.
    Cost: the length must be known beforehand.
    Lab: schedules

    >>> linear()(0.25)
    0.75
    """
    return lambda progress: 1.0 - progress


def cosine() -> Factor:
    """Decay along half a cosine to zero: (1 + cos(pi t/T)) / 2 (Loshchilov and Hutter 2017, equation 5).

    Formula: r0 (1 + cos(pi t/T)) / 2
    Use: the default: long at high learning rates, smooth at the end.
    Cost: the length must be known beforehand.
    Lab: schedules
    Source: Loshchilov and Hutter 2017

    >>> cosine()(0.5)
    0.5
    """
    return lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress))


def step(*, epochs: int, step_epochs: float, step_factor: float) -> Factor:
    """Multiply by `step_factor` after every `step_epochs` epochs: gamma ** floor(n/s).

    Formula: r0 gamma^floor(n/s), n in epochs
    Use: classic for convolutional networks: drop by 10 when the loss has flattened.
    Cost: two more settings; a drop too early costs accuracy.
    Lab: stepped_rate, schedules

    >>> step(epochs=4, step_epochs=2.0, step_factor=0.1)(0.5)
    0.1
    """
    # The nudge keeps a drop that falls exactly on a step from depending on how the division rounds.
    return lambda progress: step_factor ** math.floor(progress * epochs / step_epochs + 1e-9)


def exponential(*, epochs: int, schedule_decay: float) -> Factor:
    """Shrink by the same factor every epoch: e ** -kn with k = `schedule_decay`; gamma ** n where k = -ln gamma.

    Formula: r0 e^(-kn), n in epochs
    Use: runs of unknown length.
    Cost: one more setting; too large a k stops learning early.
    Lab: schedules

    >>> round(exponential(epochs=20, schedule_decay=0.1)(0.5), 6) == round(math.exp(-1), 6)
    True
    """
    return lambda progress: math.exp(-schedule_decay * progress * epochs)


def inverse(*, epochs: int, schedule_decay: float) -> Factor:
    """Decay as 1 / (1 + kn): steps add up to infinity, their squares do not (Robbins and Monro 1951).

    Formula: r0 / (1 + kn), n in epochs
    Use: convex losses, where convergence must be certain.
    Cost: one more setting; slow at the end.
    Lab: schedules
    Source: Robbins and Monro 1951

    >>> inverse(epochs=20, schedule_decay=0.1)(0.5)
    0.5
    """
    return lambda progress: 1.0 / (1.0 + schedule_decay * progress * epochs)


def inverse_power(*, epochs: int, schedule_decay: float, schedule_power: float) -> Factor:
    """Decay as (1 + kn) ** -c with c = `schedule_power`; Caffe's "inv".

    Formula: r0 (1 + kn)^-c, n in epochs
    Use: between constant (c = 0) and inverse (c = 1).
    Cost: two more settings.
    Lab: schedules

    >>> inverse_power(epochs=20, schedule_decay=0.3, schedule_power=0.5)(0.5)
    0.5
    """
    return lambda progress: math.pow(1.0 + schedule_decay * progress * epochs, -schedule_power)


def inverse_sqrt(*, epochs: int, warmup: float) -> Factor:
    """Decay as sqrt(w / t) after the w steps of warm-up (Vaswani et al. 2017, section 5.3); w is one epoch without any.

    Formula: r0 sqrt(w / t) after w steps of warm-up
    Use: transformers and runs of unknown length.
    Cost: warm-up must be chosen with it.
    Lab: schedules
    Source: Vaswani et al. 2017

    >>> inverse_sqrt(epochs=20, warmup=0.1)(0.4)
    0.5
    """
    start = warmup or 1.0 / epochs
    return lambda progress: math.sqrt(start / max(start, progress))


def plateau(*, plateau_epochs: int, step_factor: float) -> Factor:
    """Keep the learning rate until the validation score stops improving, then multiply it by `step_factor`; repeat.

    The drops are no function of the step: the run counts them in its state, so that a resumed run has the same.

    Formula: r0 gamma^(drops); a drop after `plateau_epochs` epochs without a better validation score
    Use: if the length of the run is not known and there is a validation split.
    Cost: waits at every plateau; noise in small validation splits causes drops too soon.
    Lab: stepped_rate

    >>> plateau(plateau_epochs=3, step_factor=0.1)(0.7)
    1.0
    """
    return lambda progress: 1.0


def _drops_within_the_run(name: str, key: str) -> Relation:
    """Return the relation of a schedule that drops after a number of epochs: it must drop, and downwards."""

    def relation(values: Values) -> Iterator[str]:
        epochs = values["train.epochs"]
        if values[key] >= epochs > 1:
            yield (
                f"{key} must be less than train.epochs = {epochs} for the schedule {name!r}, got {values[key]:g}: "
                "the learning rate would never drop. Train longer, or drop sooner."
            )
        if values["optim.step_factor"] >= 1:
            yield (
                f"optim.step_factor must be less than 1, got {values['optim.step_factor']:g}: a drop must lower the "
                "learning rate."
            )

    return relation


def _plateau_relation(values: Values) -> Iterator[str]:
    yield from _drops_within_the_run("plateau", "optim.plateau_epochs")(values)
    if values["data.validation"] == 0 and values["data.source"] != "loaders":
        yield (
            "data.validation must be greater than 0 for the schedule 'plateau', got 0: the learning rate drops when "
            "the validation score stops improving."
        )


@dataclass(frozen=True)
class ScheduleEntry:
    """A schedule of the catalogue.

    Args:
        build: takes settings by name, returns the factor as a function of progress.
        relation: what must hold between settings with this schedule.
        by_score: True if the learning rate also drops when the validation score stops improving
            (`optim.plateau_epochs`, `optim.step_factor`): then it is no function of the step.
    """

    build: Callable[..., Factor]
    relation: Relation = no_relation
    by_score: bool = False

    @property
    def choice(self) -> Choice:
        """What the recipe must know of this schedule."""
        return Choice(uses=frozenset(keys_of(self.build, sections=_SECTIONS)), relation=self.relation)


SCHEDULES: Catalogue[ScheduleEntry] = Catalogue(
    "schedule",
    {
        "constant": ScheduleEntry(constant),
        "linear": ScheduleEntry(linear),
        "cosine": ScheduleEntry(cosine),
        "step": ScheduleEntry(step, _drops_within_the_run("step", "optim.step_epochs")),
        "exponential": ScheduleEntry(exponential),
        "inverse": ScheduleEntry(inverse),
        "inverse_power": ScheduleEntry(inverse_power),
        "inverse_sqrt": ScheduleEntry(inverse_sqrt),
        "plateau": ScheduleEntry(plateau, _plateau_relation, by_score=True),
    },
    listing="trainwell about",
)


# Goyal et al. 2017, figure 1: up to 8,192 images the linear rule kept ImageNet's accuracy from 256, with warm-up.
_LARGEST_FACTOR = 32.0


def rescaled_rate(rate: float, *, batch: int, reference: int, rule: str = "linear") -> tuple[float, str]:
    """Return the learning rate for another batch size, and a warning where the rule is known to break (empty if not).

    For k times the batch the learning rate is multiplied by k in practice (Goyal et al. 2017), which keeps the
    distance covered in an epoch, or by sqrt(k) in theory (Krizhevsky 2014), which keeps the noise of a step; adaptive
    optimizers follow the square root (Malladi et al. 2022).

    Args:
        rate: at the reference batch size.
        batch: the new batch size.
        reference: the batch size the learning rate is meant for.
        rule: "linear" or "sqrt".

    >>> rescaled_rate(0.1, batch=512, reference=128)
    (0.4, '')
    >>> rescaled_rate(0.1, batch=512, reference=128, rule="sqrt")
    (0.2, '')
    """
    factor = batch / reference
    scaled = rate * (math.sqrt(factor) if rule == "sqrt" else factor)
    warning = ""
    if factor > _LARGEST_FACTOR:
        warning = (
            f"The batch of {batch:,} is {factor:g} times the {reference:,} the learning rate is meant for: beyond a "
            f"factor of about {_LARGEST_FACTOR:g}, rescaling does not keep the accuracy. Use a smaller batch, or find "
            "the learning rate with trainwell range-test."
        )
    return scaled, warning


def schedule(recipe: Recipe | OptimRecipe, *, steps: int, epochs: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the step, with warm-up before any schedule.

    Warm-up multiplies by (step + 1) / (w + 1) over the first w = `warmup` * `steps` steps (Goyal et al. 2017,
    section 2.2), so that the learning rate does not jump when it ends.

    Args:
        recipe: every setting, or those of [optim].
        steps: planned steps of the run.
        epochs: planned epochs of the run.

    >>> rate = schedule(OptimRecipe(learning_rate=0.1, schedule="linear", warmup=0.0), steps=10, epochs=1)
    >>> round(rate(0), 6), round(rate(5), 6)
    (0.1, 0.05)
    """
    whole = Recipe(optim=recipe) if isinstance(recipe, OptimRecipe) else recipe
    optim = whole.optim
    build = SCHEDULES[optim.schedule].build
    numbers = arguments(build, whole, sections=_SECTIONS)
    if "epochs" in numbers:
        numbers["epochs"] = epochs
    factor = build(**numbers)
    warm = int(optim.warmup * steps)
    highest = optim.learning_rate

    def rate(step: int) -> float:
        risen = min(1.0, (step + 1) / (warm + 1))
        return highest * risen * factor(min(1.0, step / steps))

    return rate
