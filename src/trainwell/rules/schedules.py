"""Rules on learning rates as they are set, and on learning-rate schedules."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.symptoms import converged

_READINGS = 3
# docs/references.md, T33.
_DECAYED = 1e-3
_TOO_SOON = 0.7


def learning_rate_is_zero(signals: Signals, facts: Facts) -> Finding | None:
    """The learning rate is zero.

    *Why it matters*: nothing is learned.
    *Known problems*: warm-up starts at zero, so every reading must be zero, and there must be four.
    *Repair*: set a learning rate, `torch.optim.AdamW(parameters, lr=1e-3)`, and check what the schedule makes of it.

    Reads: learning_rate, code/line/*

    ok: learning_rate = 0 0.001 0.002
    bad: learning_rate = 0 0 0 0
    """
    rates = signals["learning_rate"]
    if len(rates) < _READINGS + 1 or any(rate != 0 for rate in rates.values):
        return None
    return Finding(
        rule="learning_rate_is_zero",
        severity=Severity.ERROR,
        title=f"The learning rate is zero: it was 0 in all of {len(rates)} readings, so no weight changes.",
        evidence={"learning_rate": 0.0, "learning_rate_limit": 0.0},
        where=line_of(signals, "optimizer", "step"),
        step=0,
        explains=CONSEQUENCES,
    )


def learning_rate_decays_too_soon(signals: Signals, facts: Facts) -> Finding | None:
    """The schedule decays the learning rate too soon: to a thousandth of its maximum before 70 % of the run.

    *Why it matters*: the rest of the run learns nothing. Usually a schedule made for epochs is stepped at every batch.
    *Known problems*: a reduce-on-plateau schedule may do so on purpose. Runs whose loss is near zero are not judged.
    *Repair*: step the scheduler once per epoch, or make it for steps: `T_max=epochs * len(loader)`.

    Reads: learning_rate, loss/train, code/line/*

    ok: learning_rate = 0.1*9 1e-6 @10; steps = 100
    bad: learning_rate = 0.1*3 1e-6*7 @10; steps = 100
    """
    rates = signals["learning_rate"]
    highest = max((rate for rate in rates.values if math.isfinite(rate)), default=0.0)
    if not facts.steps or len(rates) < _READINGS or highest <= 0 or converged(signals):
        return None
    low = _DECAYED * highest
    last_high = next((step for step, rate in reversed(list(rates)) if rate >= low), 0)
    decayed = next((step for step in rates.steps if step > last_high), facts.steps)
    if decayed >= _TOO_SOON * facts.steps:
        return None
    return Finding(
        rule="learning_rate_decays_too_soon",
        severity=Severity.WARNING,
        title=f"The schedule decays the learning rate too soon: from step {decayed} of {facts.steps} on it is below "
        f"{_DECAYED:g} of its maximum {highest:.3g}.",
        evidence={"learning_rate": rates.last, "learning_rate_limit": low, "highest_learning_rate": highest},
        where=line_of(signals, "scheduler", "step"),
        step=decayed,
        explains=(
            "learning_rate_too_low",
            "parameters_not_updated",
            "no_better_than_chance",
            "underfitting",
            "stopped_too_soon",
        ),
    )


def scheduler_before_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """`scheduler.step()` is called before `optimizer.step()`.

    *Why it matters*: the first value of the schedule is skipped; with warm-up or few steps this matters.
    *Known problems*: none known. An optimizer step that mixed precision skips does not count.
    *Repair*: call `scheduler.step()` after `optimizer.step()`.

    Reads: code/scheduler_before_optimizer, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/scheduler_before_optimizer = 1
    """
    if "code/scheduler_before_optimizer" not in signals:
        return None
    return Finding(
        rule="scheduler_before_optimizer",
        severity=Severity.WARNING,
        title="scheduler.step() is called before optimizer.step(), so the first value of the schedule is skipped.",
        where=line_of(signals, "scheduler"),
        step=0,
    )
