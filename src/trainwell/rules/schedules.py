"""Rules on learning rates as they are set, and on what changes them."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS, line_of
from trainwell.rules.symptoms import converged

_READINGS = 3
_DECAYED = 1e-3  # Diagnosis T3: this share of the highest rate is next to nothing,
_TOO_SOON = 0.7  # if more than three tenths of the run are still to come.


def learning_rate_is_zero(signals: Signals, facts: Facts) -> Finding | None:
    """The learning rate is zero.

    *Why it matters*: nothing is learned.
    *Known problems*: a warm-up starts at zero, so three readings in a row are asked for, the first among them.
    *Cure*: set a rate, `torch.optim.AdamW(parameters, lr=1e-3)`; look what the schedule makes of it.

    Reads: rate/learning_rate, code/line/*

    ok: rate/learning_rate = 0 0.001 0.002
    bad: rate/learning_rate = 0 0 0 0
    """
    rates = signals["rate/learning_rate"]
    if len(rates) < _READINGS + 1 or any(rate != 0 for rate in rates.values):
        return None
    return Finding(
        rule="learning_rate_is_zero",
        severity=Severity.ERROR,
        title="The learning rate is zero.",
        evidence={"learning_rate": 0.0, "learning_rate_limit": 0.0},
        where=line_of(signals, "optimizer", "step"),
        step=0,
        explains=SYMPTOMS,
    )


def learning_rate_decays_too_soon(signals: Signals, facts: Facts) -> Finding | None:
    """The learning rate falls to a thousandth of its highest value long before the run ends.

    *Why it matters*: the rest of the run learns nothing. Usually a schedule made for epochs is stepped at every batch.
    *Known problems*: a schedule that waits for plateaus may do so on purpose; silent where the loss is next to zero.
    *Cure*: step the scheduler once per epoch, or make it for steps: `T_max=epochs * len(loader)`.

    Reads: rate/learning_rate, loss/train, code/line/*

    ok: rate/learning_rate = 0.1*9 1e-6 @10; steps = 100
    bad: rate/learning_rate = 0.1*3 1e-6*7 @10; steps = 100
    """
    rates = signals["rate/learning_rate"]
    highest = max((rate for rate in rates.values if math.isfinite(rate)), default=0.0)
    if not facts.steps or len(rates) < _READINGS or highest <= 0 or converged(signals):
        return None
    low = _DECAYED * highest
    since = next((step for step, rate in reversed(list(rates)) if rate >= low), 0)
    since = next((step for step in rates.steps if step > since), facts.steps)
    if since >= _TOO_SOON * facts.steps:
        return None
    return Finding(
        rule="learning_rate_decays_too_soon",
        severity=Severity.WARNING,
        title=f"From step {since} of {facts.steps} on the learning rate is next to zero.",
        evidence={"learning_rate": rates.last, "learning_rate_limit": low, "highest_learning_rate": highest},
        where=line_of(signals, "scheduler", "step"),
        step=since,
        explains=(
            "learning_rate_too_low",
            "parameters_not_updated",
            "no_better_than_chance",
            "underfitting",
            "stopped_too_soon",
        ),
    )


def scheduler_before_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """The schedule moves on before the first optimizer step.

    *Why it matters*: the first value of the schedule is skipped; with warm-up or few steps, that is felt.
    *Known problems*: none known; a step that mixed precision skips is not counted against the script.
    *Cure*: call `scheduler.step()` after `optimizer.step()`.

    Reads: code/scheduler_before_optimizer, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/scheduler_before_optimizer = 1
    """
    if "code/scheduler_before_optimizer" not in signals:
        return None
    return Finding(
        rule="scheduler_before_optimizer",
        severity=Severity.WARNING,
        title="The scheduler steps before the optimizer does, so that the first value of the schedule is skipped.",
        where=line_of(signals, "scheduler"),
        step=0,
    )
