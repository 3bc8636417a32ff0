"""Symptoms of a run that does not learn. A soft statistic becomes a verdict only beside one (the two-key gate).

On real programs "any soft rule fires" flags 23 of 29 healthy ones, a soft rule *with* a symptom 3
(docs/references.md, T1). So every rule on a soft statistic asks `judge` for its severity: a run that fails to learn
gets a warning or an error, a run that learns gets a hint at most.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Series, Signals

SIGNALS = (
    "loss/train",
    "loss/train_epoch",
    "loss/validation",
    "score/validation/accuracy",
    "output/std",
    "output/mean",
)
"""What the gate reads. A rule that calls `judge` reads these too, and lists them as "symptoms"."""

# docs/references.md, T2: before that every run is still warming up.
FEWEST_READINGS = 12
FEWEST_STEPS = 50
STALL = 0.9  # docs/references.md, T4: current loss over initial loss.
CHANCE = 0.98  # docs/references.md, T3: within 2 % of the loss of the best constant prediction.
EXPLODED = 10.0  # docs/references.md, T6: current loss over initial loss.
CONSTANT = 1e-7  # docs/references.md, T7: standard deviation of the outputs relative to their mean.
CONVERGED = 0.05  # docs/references.md, T5: below 5 % of the initial loss small gradients and updates are normal.


def recent(series: Series) -> float:
    """Return the median over the last tenth of the steps, of 5 readings at least and 20 at most.

    >>> recent(Series([0, 1, 2, 3, 4, 5], [9.0, 5.0, 1.0, 2.0, 1.0, 1.5]))
    1.5
    """
    since = series.steps[-1] - (series.steps[-1] - series.steps[0]) / 10
    count = sum(step >= since for step in series.steps[-20:])
    values = series.tail(max(5, count))
    return math.nan if any(math.isnan(value) for value in values) else statistics.median(values)


def mean(values: Sequence[float]) -> float:
    """Return the mean; NaN, and not an error as in `statistics.fmean`, where the values hold both infinities.

    >>> mean([1.0, 2.0]), mean([math.inf, 1.0, -math.inf])
    (1.5, nan)
    """
    return sum(values) / len(values)


def opening(series: Series) -> float:
    """Return the mean over the first fiftieth of the steps, of 5 readings at least and 20 at most."""
    until = series.steps[0] + (series.steps[-1] - series.steps[0]) / 50
    count = sum(step <= until for step in series.steps[:20])
    return mean(series.values[: max(5, count)])


def current(signals: Signals) -> float:
    """Return the current training loss.

    The mean of the last epochs, up to three: the median of single batches is noisy, and lies below the
    mean where losses are skewed. Before the second epoch is over, the newest batches are used.
    """
    epochs = signals["loss/train_epoch"]
    if len(epochs) < 2:
        return recent(signals["loss/train"])
    return mean(epochs.tail(min(3, len(epochs) - 1)))


def long_enough(series: Series) -> bool:
    """Tell whether there are enough readings, over enough steps, to judge a run by them."""
    return len(series) >= FEWEST_READINGS and series.steps[-1] - series.steps[0] >= FEWEST_STEPS


def stalled(signals: Signals) -> bool:
    """Tell whether the training loss has barely fallen since the start."""
    loss = signals["loss/train"]
    return long_enough(loss) and current(signals) > STALL * opening(loss)


def converged(signals: Signals) -> bool:
    """Tell whether the training loss is below 5 % of its initial value."""
    loss = signals["loss/train"]
    return len(loss) >= FEWEST_READINGS and current(signals) < CONVERGED * opening(loss)


def at_chance(signals: Signals, facts: Facts) -> bool:
    """Tell whether the network does not beat the best constant prediction, on training and on validation data."""
    loss = signals["loss/train"]
    validation = signals["loss/validation"]
    if not facts.chance_loss or facts.chance_loss <= 0 or not long_enough(loss):
        return False
    limit = CHANCE * facts.chance_loss
    on_validation = min(validation.tail(3)) if validation else math.inf
    return current(signals) >= limit and on_validation >= limit and not often_right(signals, facts)


def validation_stays_at_chance(signals: Signals, facts: Facts) -> bool:
    """Tell whether the validation loss never beat the chance level, in three evaluations or more."""
    validation = signals["loss/validation"]
    chance = facts.chance_loss or 0.0
    return len(validation) >= 3 and chance > 0 and min(validation.values) >= CHANCE * chance


def often_right(signals: Signals, facts: Facts, *, newest: int = 3) -> bool:
    """Tell whether one of the newest accuracies is halfway between the majority-class baseline and 1.

    A network that is right, but overconfident in its few mistakes, can have a loss above the chance level.
    """
    accuracy = signals["score/validation/accuracy"]
    if not accuracy or not sum(facts.class_counts):
        return False
    majority = max(facts.class_counts) / sum(facts.class_counts)
    return max(accuracy.tail(newest)) > (1 + majority) / 2


def collapsed_outputs(signals: Signals) -> tuple[int, float, float] | None:
    """Return (step, standard deviation, limit) if the outputs are the same for every input, else None.

    A last layer that is initialised to zero gives constant outputs at first, so only what holds for three readings
    after step 20 counts (docs/references.md, T7).
    """
    means = dict(signals["output/mean"])
    newest = [(step, spread) for step, spread in signals["output/std"] if step >= 20][-3:]
    limits = [CONSTANT * max(1.0, abs(means.get(step, 0.0))) for step, _ in newest]
    if len(newest) < 3 or any(not spread <= limit for (_, spread), limit in zip(newest, limits, strict=True)):
        return None
    return newest[0][0], newest[-1][1], limits[-1]


def broke(signals: Signals) -> bool:
    """Tell whether the loss is NaN or Inf anywhere."""
    return any(
        not math.isfinite(value)
        for name in ("loss/train", "loss/train_epoch", "loss/validation")
        for value in signals[name].values
    )


def exploded(signals: Signals, facts: Facts) -> tuple[float, float] | None:
    """Return the loss and its limit if the loss has grown tenfold and stays there, else None.

    A loss that started low, as that of a pretrained network does, is compared with the chance level.
    """
    finite = [value for value in signals["loss/train"].values if math.isfinite(value)]
    if len(finite) <= 5:
        return None
    now = statistics.median(finite[-5:])
    limit = EXPLODED * max(finite[0], facts.chance_loss or 0.0)
    return (now, limit) if now > limit > 0 else None


def judge(signals: Signals, facts: Facts) -> Severity:
    """Return the severity of a finding on a soft statistic: the second key of the gate.

    `error` if nothing was learned (the loss is not finite, diverged or stayed at the chance level, or the outputs are
    constant), `warning` if the loss has stalled, else `info`.
    """
    lost = broke(signals) or exploded(signals, facts) or at_chance(signals, facts) or collapsed_outputs(signals)
    if lost:
        return Severity.ERROR
    return Severity.WARNING if stalled(signals) else Severity.INFO
