"""Rules on a loss that diverges or becomes NaN."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.symptoms import exploded

_LOSSES = ("loss/train", "loss/train_epoch", "loss/validation")
# docs/references.md, T30: mixed precision skips single steps whose gradient overflowed, which is normal.
_BAD_GRADIENTS = 3


def loss_not_finite(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is NaN or Inf, or the gradient has been for several readings.

    *Why it matters*: the next step writes NaN into every weight, and no later step can undo that.
    *Known problems*: none known. Single overflows of the gradient, which mixed precision skips, do not count.

    Reads: loss/train, loss/train_epoch, loss/validation, grad/norm, activation/mean/*

    ok: loss/train = 2.3 1.0 0.5; grad/norm = 1.0 inf 1.0
    bad: loss/train = 2.3 nan
    bad: loss/train = 2.3 2.2 2.1; grad/norm = nan nan nan
    """
    loss_steps = [step for name in _LOSSES for step, value in signals[name] if not math.isfinite(value)]
    gradient_steps = _steps_of_bad_gradients(signals["grad/norm"])
    if not loss_steps and not gradient_steps:
        return None
    step = min(loss_steps + gradient_steps)
    before = [value for at, value in signals["loss/train"] if at < step and math.isfinite(value)]
    subject = "loss" if loss_steps else "gradient"
    last = f", after a loss of {before[-1]:.3g}" if before else ""
    return Finding(
        rule="loss_not_finite",
        severity=Severity.ERROR,
        title=f"Non-finite {subject}: NaN or Inf at step {step}{last}.",
        evidence={"last_finite_loss": before[-1]} if before else {},
        where=_first_nonfinite_layer(signals.under("activation/mean"), step),
        step=step,
        explains=("no_better_than_chance",),
        remedies=("lower_rate", "clip_gradients"),
    )


def loss_diverges(signals: Signals, facts: Facts) -> Finding | None:
    """The loss diverges: it is more than ten times its initial value, and stays there.

    *Why it matters*: the network is worse than before training.
    *Known problems*: none known. Loss spikes that recover are not counted, and a loss that started below the chance
    level is compared with the chance level.

    Reads: loss/train

    ok: loss/train = 2.3 90 2.2 1.9 1.5 1.1 0.9; chance_loss = 2.3
    ok: loss/train = 0.01 0.2 0.3 0.2 0.2 0.2 0.2; chance_loss = 2.3
    bad: loss/train = 2.3 20 90 400 900 2000 8000; chance_loss = 2.3
    """
    found = exploded(signals, facts)
    if found is None:
        return None
    now, limit = found
    loss = signals["loss/train"]
    return Finding(
        rule="loss_diverges",
        severity=Severity.ERROR,
        title=f"The loss diverges: it rose from {loss.first:.3g} to {now:.3g} (limit {limit:.3g}).",
        evidence={"loss": now, "loss_limit": limit},
        step=next(step for step, value in loss if value > limit),
        explains=("loss_not_finite", "no_better_than_chance", "validation_at_chance", "overfitting"),
        remedies=("lower_rate", "clip_gradients"),
    )


def _steps_of_bad_gradients(norms: Series) -> list[int]:
    """Return the steps whose gradient is not finite if there are several and the newest readings are among them."""
    readings = list(norms)
    steps = [step for step, value in readings if not math.isfinite(value)]
    newest_are_bad = all(not math.isfinite(value) for _, value in readings[-_BAD_GRADIENTS:])
    return steps if len(steps) >= _BAD_GRADIENTS and newest_are_bad else []


def _first_nonfinite_layer(means: dict[str, Series], step: int) -> tuple[str, ...]:
    """Return the first layer, in the order of the forward pass, whose output is not finite from a step on."""
    for name, series in means.items():
        if any(at >= step and not math.isfinite(value) for at, value in series):
            return (name,)
    return ()
