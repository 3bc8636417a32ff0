"""Symptoms: what shows that a run suffers. A soft statistic becomes a verdict only beside one (the two-key gate).

On real programs "any soft rule fires" flags 23 of 29 healthy ones, a soft rule *with* a symptom 3. So every rule on
a soft statistic asks `judge` for its severity: a run that suffers gets a warning or an error,
a run that does well gets a hint at most.
"""

from __future__ import annotations

import math
import statistics

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
"""What the gate reads; a rule that asks for its judgement reads these too, and says "symptoms"."""

FEWEST_READINGS = 12
FEWEST_STEPS = 50  # Before that every run is still warming up (diagnosis T12).
STALL = 0.9  # Loss as it is now over the loss as it was at first (diagnosis section 4).
CHANCE = 0.98  # Within 2 % of the best constant prediction (diagnosis T12).
EXPLODED = 10.0
CONSTANT = 1e-7  # Spread of the answers relative to their mean (diagnosis P6).
CONVERGED = 0.05  # Below 5 % of the first loss small gradients and updates are what one expects (diagnosis T7).


def recent(series: Series) -> float:
    """Return the median over the last tenth of the steps, of 5 readings at least and 20 at most.

    >>> recent(Series([0, 1, 2, 3, 4, 5], [9.0, 5.0, 1.0, 2.0, 1.0, 1.5]))
    1.5
    """
    since = series.steps[-1] - (series.steps[-1] - series.steps[0]) / 10
    count = sum(step >= since for step in series.steps[-20:])
    values = series.tail(max(5, count))
    return math.nan if any(math.isnan(value) for value in values) else statistics.median(values)


def opening(series: Series) -> float:
    """Return the mean over the first fiftieth of the steps, of 5 readings at least and 20 at most."""
    until = series.steps[0] + (series.steps[-1] - series.steps[0]) / 50
    count = sum(step <= until for step in series.steps[:20])
    return statistics.fmean(series.values[: max(5, count)])


def current(signals: Signals) -> float:
    """Return the training loss as it is now.

    The mean of the last epochs, up to three: the median of single batches is noisy, and lies below the
    mean where losses are skewed. Before the second epoch is over, the newest batches must do.
    """
    epochs = signals["loss/train_epoch"]
    if len(epochs) < 2:
        return recent(signals["loss/train"])
    return statistics.fmean(epochs.tail(min(3, len(epochs) - 1)))


def long_enough(series: Series) -> bool:
    """Tell whether there are readings enough, over steps enough, to judge a run by them."""
    return len(series) >= FEWEST_READINGS and series.steps[-1] - series.steps[0] >= FEWEST_STEPS


def stalled(signals: Signals) -> bool:
    """Tell whether the training loss has hardly fallen since the start."""
    loss = signals["loss/train"]
    return long_enough(loss) and current(signals) > STALL * opening(loss)


def converged(signals: Signals) -> bool:
    """Tell whether the training loss is a small part of what it was."""
    loss = signals["loss/train"]
    return len(loss) >= FEWEST_READINGS and current(signals) < CONVERGED * opening(loss)


def at_chance(signals: Signals, facts: Facts) -> bool:
    """Tell whether the network does no better than the best constant, on training and on validation data."""
    loss, validation = signals["loss/train"], signals["loss/validation"]
    if not facts.chance_loss or facts.chance_loss <= 0 or not long_enough(loss):
        return False
    limit = CHANCE * facts.chance_loss
    on_validation = min(validation.tail(3)) if validation else math.inf
    return current(signals) >= limit and on_validation >= limit and not often_right(signals, facts)


def validation_stays_at_chance(signals: Signals, facts: Facts) -> bool:
    """Tell whether the validation loss was never better than that of guessing, in three evaluations or more."""
    validation, chance = signals["loss/validation"], facts.chance_loss or 0.0
    return len(validation) >= 3 and chance > 0 and min(validation.values) >= CHANCE * chance


def often_right(signals: Signals, facts: Facts, *, newest: int = 3) -> bool:
    """Tell whether one of the newest accuracies is halfway from the commonest class's share to perfect.

    A network that is right but far too sure of its few mistakes can have a loss above chance.
    """
    accuracy = signals["score/validation/accuracy"]
    if not accuracy or not facts.class_counts:
        return False
    majority = max(facts.class_counts) / sum(facts.class_counts)
    return max(accuracy.tail(newest)) > (1 + majority) / 2


def collapsed_outputs(signals: Signals) -> tuple[int, float, float] | None:
    """Return (step, spread, limit) if the network answers the same to every input (diagnosis P6), else None.

    A last layer set to zero on purpose does so at first: only what holds for three readings after step 20 counts.
    """
    means = dict(signals["output/mean"])
    newest = [(step, spread) for step, spread in signals["output/std"] if step >= 20][-3:]
    limits = [CONSTANT * max(1.0, abs(means.get(step, 0.0))) for step, _ in newest]
    if len(newest) < 3 or any(not spread <= limit for (_, spread), limit in zip(newest, limits, strict=True)):
        return None
    return newest[0][0], newest[-1][1], limits[-1]


def broke(signals: Signals) -> bool:
    """Tell whether the loss stopped being a finite number."""
    return any(
        not math.isfinite(value)
        for name in ("loss/train", "loss/train_epoch", "loss/validation")
        for value in signals[name].values
    )


def exploded(signals: Signals, facts: Facts) -> tuple[float, float] | None:
    """Return the loss and its limit if the loss has grown tenfold and stays there (diagnosis T6), else None.

    A loss that began low, as a pretrained network's does, is compared with chance.
    """
    finite = [value for value in signals["loss/train"].values if math.isfinite(value)]
    if len(finite) <= 5:
        return None
    now, limit = statistics.median(finite[-5:]), EXPLODED * max(finite[0], facts.chance_loss or 0.0)
    return (now, limit) if now > limit > 0 else None


def judge(signals: Signals, facts: Facts) -> Severity:
    """Return how grave a soft statistic is: the second key of the gate.

    `error` if nothing was learned (the loss broke, ran away or stayed at chance, or the answer is always the same),
    `warning` if the loss has stalled, else `info`.
    """
    lost = broke(signals) or exploded(signals, facts) or at_chance(signals, facts) or collapsed_outputs(signals)
    if lost:
        return Severity.ERROR
    return Severity.WARNING if stalled(signals) else Severity.INFO
