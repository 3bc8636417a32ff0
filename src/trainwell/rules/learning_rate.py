"""Rules on the learning rate, judged by how far a step moves the weights."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.code_signals import line_of
from trainwell.rules.layers import median_over_layers, of_weights
from trainwell.rules.symptoms import EXPLODED, STALL, converged, current, judge, opening

# Diagnosis T6 and T7; healthy networks move by 2.8e-4 to 2e-2 of their size in a step.
_TOO_FAR = 0.1
_TOO_NEAR = 3e-5
_READINGS = 3
_LITTLE_PROGRESS = 0.01  # Share of the loss, in 100 steps.
_FEWEST_STEPS = 100
_WARM_UP = 5  # A run that is watched while it goes on may still be raising its rate in its first fifth.


def learning_rate_too_high(signals: Signals, facts: Facts) -> Finding | None:
    """Steps move the weights by more than a tenth of their size, or lift the loss to ten times its first value.

    *Why it matters*: the optimizer jumps over every valley; rectifiers die, or the loss overflows.
    *Known problems*: large batches and short warm-ups stand large steps for a while, so a run that learns gets a hint.
    *Cure*: usual rates are 0.001 for Adam, `torch.optim.Adam(model.parameters(), lr=1e-3)`, and 0.01 to 0.1 for SGD.

    Reads: update/ratio/*, rate/learning_rate, code/line/*, symptoms

    ok: update/ratio/a.weight = 0.01*9; loss/train = 2.3 2.0 1.5 1.0
    hint: update/ratio/a.weight = 0.3*3 0.01*9; loss/train = 2.3 2.0 1.5 1.0
    bad: update/ratio/a.weight = 0.3*3 0.01*9; loss/train = 2.3*20 @10; chance_loss = 2.3
    bad: loss/train = 2.3 80 400 2.3*20 @10; loss/validation = 9; chance_loss = 2.3
    """
    updates = median_over_layers(of_weights(signals.under("update/ratio")))
    loss = signals["loss/train"]
    far = _first_run(updates, _TOO_FAR)
    first = max(loss.first, facts.chance_loss or 0.0) if loss else math.nan
    peaks = [step for step, value in loss if value > EXPLODED * first > 0]
    if far is None and not peaks:
        return None
    evidence: dict[str, float] = {}
    if far is not None:
        evidence |= {"update_ratio": max(filter(math.isfinite, updates.values)), "update_ratio_limit": _TOO_FAR}
    if peaks:
        highest = max(value for value in loss.values if not math.isnan(value))
        evidence |= {"highest_loss": highest, "highest_loss_limit": EXPLODED * first}
    severity = judge(signals, facts)
    return Finding(
        rule="learning_rate_too_high",
        severity=severity,
        title="Some steps were very large for the weights; a lower learning rate may do better."
        if severity is Severity.INFO
        else "The learning rate is too high: single steps throw the weights far off.",
        evidence=evidence | _rate(signals),
        where=line_of(signals, "optimizer"),
        step=min(step for step in (far, *peaks) if step is not None),
        explains=(
            "dead_units",
            "saturated_activations",
            "vanishing_gradients",
            "exploding_gradients",
            "learning_rate_too_low",
            "constant_outputs",
            "parameters_not_updated",
            "loss_diverges",
            "loss_not_finite",
            "no_better_than_chance",
            "validation_at_chance",
            "overfitting",
            "underfitting",
        ),
        remedies=("lower_rate", "clip_gradients"),
    )


def learning_rate_too_low(signals: Signals, facts: Facts) -> Finding | None:
    """Steps move the weights by less than 0.003 % of their size, and the loss hardly falls.

    *Why it matters*: at this pace the run ends before the network has learned.
    *Known problems*: fine-tuning takes small steps on purpose; there the loss starts low and this stays a hint. So
    it does where the loss has fallen, slowly, and is falling still.
    *Cure*: usual rates are 0.001 for Adam, `torch.optim.Adam(model.parameters(), lr=1e-3)`, and 0.01 to 0.1 for SGD.

    Reads: update/ratio/*, rate/learning_rate, code/line/*, symptoms

    ok: update/ratio/a.weight = 1e-3*20 1e-6*5; loss/train = 2.3*25 @10
    ok: update/ratio/a.weight = 1e-6*20; loss/train = 2.3*5 0.05*20 @10
    ok: update/ratio/a.weight = 1e-6*20; loss/train = 2.3*25 @10; loss/train_epoch = 2.3 1.8 1.5*10
    hint: update/ratio/a.weight = 1e-6*20; loss/train = 2.3*25 @10;
        loss/train_epoch = 2.3 2.2 2.1 2.05 2 1.95 1.9 1.85 1.8 1.75
    bad: update/ratio/a.weight = 1e-6*20; loss/train = 2.3*20 @10
    """
    updates = median_over_layers(of_weights(signals.under("update/ratio")))
    loss = signals["loss/train"]
    if len(updates) < _READINGS or len(loss) < _READINGS or converged(signals):
        return None
    # The middle reading, so that neither warm-up nor the end of a schedule decides.
    usual = sorted(updates.values)[len(updates) // 2]
    steps = loss.steps[-1] - loss.steps[0]
    # So small a rate leaves the first epoch as it began, and a whole epoch is a better measure than a few batches.
    epochs = signals["loss/train_epoch"]
    first = epochs.first if len(epochs) > 1 else opening(loss)
    fall = (first - current(signals)) / abs(first or 1.0)
    warm = max(_FEWEST_STEPS, facts.steps // _WARM_UP)
    if not usual < _TOO_NEAR or steps < warm:
        return None
    crawls = fall < max(1 - STALL, _LITTLE_PROGRESS * steps / 100)
    falls_still = len(epochs) >= 10 and epochs.last < (1 - _LITTLE_PROGRESS) * epochs.values[-len(epochs) * 3 // 10]
    if not crawls and not falls_still:
        return None
    return Finding(
        rule="learning_rate_too_low",
        severity=judge(signals, facts) if crawls else Severity.INFO,
        title=f"The learning rate is too low: a step moves the weights by {usual:.0e} of their size.",
        evidence={"update_ratio": usual, "update_ratio_limit": _TOO_NEAR, "loss_fall_fraction": fall} | _rate(signals),
        where=line_of(signals, "optimizer"),
        step=updates.steps[0],
        explains=("parameters_not_updated", "no_better_than_chance", "underfitting", "stopped_too_soon"),
        remedies=("raise_rate",),
    )


def _rate(signals: Signals) -> dict[str, float]:
    """Return the highest rate that was set, as evidence."""
    rates = [rate for rate in signals["rate/learning_rate"].values if math.isfinite(rate)]
    return {"learning_rate": max(rates)} if rates else {}


def _first_run(series: Series, limit: float) -> int | None:
    """Return the step of the first of three readings in a row above a limit."""
    values = series.values
    for start in range(len(values) - _READINGS + 1):
        if all(value > limit for value in values[start : start + _READINGS]):
            return series.steps[start]
    return None
