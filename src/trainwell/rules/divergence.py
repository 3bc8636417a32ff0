"""Rules on a loss that runs away."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.symptoms import exploded

_LOSSES = ("loss/train", "loss/train_epoch", "loss/validation")
# Mixed precision skips single steps whose gradient overflowed, and that is normal (diagnosis T1).
_BAD_GRADIENTS = 3


def loss_not_finite(signals: Signals, facts: Facts) -> Finding | None:
    """The loss, or the gradient for several readings, is not a finite number.

    *Why it matters*: the next step writes NaN into every weight, and no later step can repair that.
    *Known problems*: none known; single overflows of the gradient, which mixed precision skips, are let pass.

    Reads: loss/train, loss/train_epoch, loss/validation, grad/norm, activation/mean/*

    ok: loss/train = 2.3 1.0 0.5; grad/norm = 1.0 inf 1.0
    bad: loss/train = 2.3 nan
    bad: loss/train = 2.3 2.2 2.1; grad/norm = nan nan nan
    """
    steps = [step for name in _LOSSES for step, value in signals[name] if not math.isfinite(value)]
    norms = list(signals["grad/norm"])
    bad_norms = [step for step, value in norms if not math.isfinite(value)]
    newest_bad = all(not math.isfinite(value) for _, value in norms[-_BAD_GRADIENTS:])
    if len(bad_norms) >= _BAD_GRADIENTS and newest_bad:
        steps += bad_norms
    if not steps:
        return None
    step = min(steps)
    before = [value for at, value in signals["loss/train"] if at < step and math.isfinite(value)]
    return Finding(
        rule="loss_not_finite",
        severity=Severity.ERROR,
        title=f"The loss stopped being a finite number at step {step}.",
        evidence={"last_finite_loss": before[-1]} if before else {},
        where=_first_broken(signals.under("activation/mean"), step),
        step=step,
        explains=("no_better_than_chance",),
        remedies=("lower_rate", "clip_gradients"),
    )


def loss_diverges(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is more than ten times what it was at first, and stays there.

    *Why it matters*: the network is worse than before training.
    *Known problems*: none known; spikes that pass are not counted, and a loss that began low is compared with chance.

    Reads: loss/train

    ok: loss/train = 2.3 90 2.2 1.9 1.5 1.1 0.9; chance_loss = 2.3
    ok: loss/train = 0.01 0.2 0.3 0.2 0.2 0.2 0.2; chance_loss = 2.3
    bad: loss/train = 2.3 20 90 400 900 2000 8000; chance_loss = 2.3
    """
    found = exploded(signals, facts)
    if found is None:
        return None
    loss, (now, limit) = signals["loss/train"], found
    return Finding(
        rule="loss_diverges",
        severity=Severity.ERROR,
        title=f"The loss has grown to {now:.3g}, from {loss.first:.3g} at the start.",
        evidence={"loss": now, "loss_limit": limit},
        step=next(step for step, value in loss if value > limit),
        explains=("loss_not_finite", "no_better_than_chance", "validation_at_chance", "overfitting"),
        remedies=("lower_rate", "clip_gradients"),
    )


def _first_broken(means: dict[str, Series], step: int) -> tuple[str, ...]:
    """Return the first layer, in the order of the forward pass, whose answer is not finite from a step on."""
    for name, series in means.items():
        if any(at >= step and not math.isfinite(value) for at, value in series):
            return (name,)
    return ()
