"""Learning curves: how much more data would help, from trainings on subsets of doubling size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import TrainingError, UsageError
from trainwell.core.seeds import derive
from trainwell.doctor.experiments.trial import trial
from trainwell.fitting.plan import Plan
from trainwell.recipe import edit

_MOST_SIZES = 6
_LEAST_SIZES = 3
_SMALLEST = 16
_MOST_REPEATS = 4  # epochs on a small subset, over those on all data
_LEARNED = 0.9  # fraction of the error at chance level; a larger error cannot be extrapolated
_WORTHWHILE = 0.02  # fraction by which twice the data must reduce the error to count as a help


@dataclass(frozen=True)
class Extrapolation:
    """The extrapolated error for a number of examples.

    Args:
        size: examples.
        error: expected error.
        low: lower end of the 95 % interval.
        high: upper end.
    """

    size: int
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """A measured learning curve with its power law.

    Args:
        sizes: (points,) training examples of each training.
        errors: (points,) 1 minus the main score on the validation split.
        score_name: the main score.
        power: b of error = a n^-b; None if too few trainings are better than chance.
        interval: 95 % interval of b.
        extrapolated: errors with twice and four times the data.
        verdict: one sentence.
    """

    sizes: tuple[int, ...]
    errors: tuple[float, ...]
    score_name: str
    power: float | None
    interval: tuple[float, float] | None
    extrapolated: tuple[Extrapolation, ...]
    verdict: str

    @property
    def helps(self) -> bool:
        """Tell whether more data would help significantly."""
        return bool(self.interval and self.interval[0] > 0 and self.power and 1 - 2**-self.power >= _WORTHWHILE)

    def to_json(self) -> dict[str, Any]:
        """Return the curve as plain data, in the shape `--json` prints."""
        data = dataclasses.asdict(self) | {"helps": self.helps}
        return data | {"foretold": data["extrapolated"]}  # the former name, for one release


def fit_power_law(sizes: Sequence[float], errors: Sequence[float]) -> tuple[float, float, float]:
    """Fit error = a n^-b to logarithms by least squares; return b and its 95 % interval (Student's t).

    >>> b, low, high = fit_power_law([10, 20, 40, 80], [0.8, 0.4, 0.2, 0.1])
    >>> round(b, 6), round(high - low, 6)
    (1.0, 0.0)
    """
    across = np.log(sizes)
    up = np.log(errors)
    slope, _, spread = _line(across, up)
    half = _student(len(across) - 2) * spread / math.sqrt(float(((across - across.mean()) ** 2).sum()))
    return -slope, -slope - half, -slope + half


def extrapolate(
    sizes: Sequence[float], errors: Sequence[float], *, size: float, measured: bool = False
) -> Extrapolation:
    """Extrapolate the power law to another number of examples, with a 95 % interval (Hestness et al. 2017).

    Args:
        sizes: numbers of examples; at least three different ones.
        errors: positive, one for each.
        size: number of examples to extrapolate to.
        measured: return the prediction interval of one more measurement instead of the confidence interval of the law.

    >>> found = extrapolate([10, 20, 40, 80], [0.8, 0.42, 0.2, 0.1], size=160)
    >>> found.low < 0.05 < found.high
    True
    """
    across = np.log(sizes)
    up = np.log(errors)
    slope, start, spread = _line(across, up)
    away = (math.log(size) - across.mean()) ** 2 / float(((across - across.mean()) ** 2).sum())
    middle = start + slope * math.log(size)
    half = _student(len(across) - 2) * spread * math.sqrt(measured + 1 / len(across) + away)
    return Extrapolation(round(size), math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def learning_curve(
    plan: Plan, *, epochs: int | None = None, seeds: int = 2, say: Callable[[str], None] = lambda text: None
) -> LearningCurve:
    """Train on doubling, nested, stratified subsets of the training split, and extrapolate to more data.

    Scores are those of the validation split; the test split is not read.

    Args:
        plan: data and recipe.
        epochs: passes over the whole training split; smaller subsets get up to four times as many.
        seeds: trainings of each size, with different weights and subsets.
        say: is told each result.
    Raises:
        UsageError: if there is no validation split, or too few examples for three sizes.
        TrainingError: if a training diverges.
    """
    if not len(plan.splits.validation):
        raise UsageError("A learning curve needs a validation split, got data.validation = 0. Set it to 0.15.")
    if seeds < 1 or (epochs is not None and epochs < 1):
        raise UsageError(f"A learning curve needs at least 1 seed and 1 epoch, got {seeds} and {epochs}.")
    whole = len(plan.splits.train)
    classes = len(plan.examples.labels)
    sizes = [whole >> halvings for halvings in reversed(range(_MOST_SIZES))]
    sizes = [size for size in sizes if size >= max(_SMALLEST, 4 * classes)]
    if len(sizes) < _LEAST_SIZES:
        raise UsageError(
            f"A learning curve needs at least {4 * max(_SMALLEST, 4 * classes)} training examples, got {whole:,}. "
            "Give more data, or compare runs yourself: trainwell compare."
        )
    points = [_measure(plan, size, seed=seed, epochs=epochs, say=say) for size in sizes for seed in range(seeds)]
    return read_curve(
        [size for size, _, _ in points],
        [error for _, error, _ in points],
        score_name=points[0][2],
        chance=_chance(plan),
    )


def read_curve(sizes: Sequence[int], errors: Sequence[float], *, score_name: str, chance: float) -> LearningCurve:
    """Fit a power law to measured errors and interpret it.

    Args:
        sizes: of each training.
        errors: of each training.
        score_name: the main score.
        chance: error at chance level; sizes with an error above 0.9 of it are left out.

    >>> read_curve([20, 40, 80, 160], [0.4, 0.3, 0.2, 0.15], score_name="accuracy", chance=0.9).helps
    True
    >>> read_curve([20, 40, 80, 160], [0.2, 0.21, 0.19, 0.2], score_name="accuracy", chance=0.9).helps
    False
    """
    learned = [(size, error) for size, error in zip(sizes, errors, strict=True) if error < _LEARNED * chance]
    known = [size for size, _ in learned]
    largest = max(sizes)
    made = LearningCurve(tuple(sizes), tuple(errors), score_name, None, None, (), "")
    if len(set(known)) < _LEAST_SIZES:
        verdict = "Too few of these trainings are better than chance. Train longer, or check the data first."
        return dataclasses.replace(made, verdict=verdict)
    values = [error for _, error in learned]
    power, low, high = fit_power_law(known, values)
    extrapolated = tuple(extrapolate(known, values, size=factor * largest) for factor in (2, 4))
    made = dataclasses.replace(made, power=power, interval=(low, high), extrapolated=extrapolated)
    now = extrapolate(known, values, size=largest).error
    twice = extrapolated[0]
    if made.helps:
        verdict = (
            f"More data would help: with {twice.size:,} examples the error should fall from {now:.3g} to "
            f"{twice.error:.3g} ({twice.low:.2g} to {twice.high:.2g}); half the error needs about "
            f"{_for_half(largest, power)} examples."
        )
    else:
        verdict = (
            f"There is no evidence that more data would help: the power of the curve is {power:.2g} "
            f"({low:.2g} to {high:.2g}). A larger network, other features or cleaner labels may help."
        )
    return dataclasses.replace(made, verdict=verdict)


def nested_order(classes: NDArray[np.int64] | None, count: int, *, seed: int) -> NDArray[np.int64]:
    """Order examples so that every prefix of the order has the class proportions of all of them.

    >>> order = nested_order(np.array([0, 0, 0, 0, 1, 1]), 6, seed=0)
    >>> sorted((order[:3] >= 4).tolist())
    [False, False, True]
    """
    generator = np.random.default_rng(seed)
    if classes is None:
        return generator.permutation(count)
    place = np.empty(count)
    for name in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == name))
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(place + 1e-9 * generator.random(count), kind="stable")


def _measure(
    plan: Plan, size: int, *, seed: int, epochs: int | None, say: Callable[[str], None]
) -> tuple[int, float, str]:
    train = plan.splits.train
    number = derive(plan.recipe.seed, "learning-curve", epoch=seed)
    classes = plan.examples.class_numbers
    order = nested_order(None if classes is None else classes[train], len(train), seed=number)
    splits = dataclasses.replace(plan.splits, train=np.sort(train[order[:size]]))
    part = dataclasses.replace(plan, splits=splits, recipe=edit(plan.recipe, {"seed": number}))
    passes = (epochs or plan.recipe.train.epochs) * min(_MOST_REPEATS, round(len(train) / size))
    outcome = trial(part, part.recipe, epochs=passes)
    if outcome.diverged:
        raise TrainingError(
            f"The training on {size:,} examples diverged at step {outcome.diverged_at}. Get one run to train first: "
            "trainwell fit, then trainwell diagnose."
        )
    # At least half an example: zero has no logarithm, and less than one wrong example cannot be measured.
    error = max(1 - outcome.score, 0.5 / outcome.examples)
    say(f"{size:>9,} examples: {outcome.score_name} {outcome.score:.4g} after {outcome.epochs} epochs")
    return size, error, outcome.score_name


def _chance(plan: Plan) -> float:
    classes = plan.examples.class_numbers
    if classes is None:
        return 1.0
    return float(1 - np.bincount(classes[plan.splits.train]).max() / len(plan.splits.train))


def _for_half(size: int, power: float) -> str:
    factor = 2 ** (1 / power)
    return f"{float(f'{size * factor:.2g}'):,.0f}" if factor < 1e4 else "more than 10,000 times as many"


def _line(across: NDArray[np.float64], up: NDArray[np.float64]) -> tuple[float, float, float]:
    slope, start = np.polyfit(across, up, 1)
    spread = math.sqrt(float(((up - start - slope * across) ** 2).sum()) / max(1, len(across) - 2))
    return float(slope), float(start), spread


def _student(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(1, freedom), 0.975))
