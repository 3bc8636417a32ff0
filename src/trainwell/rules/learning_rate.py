"""Rules on the learning rate, judged by how far a step moves the weights."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import median_over_layers, of_weights
from trainwell.rules.locations import line_of
from trainwell.rules.symptoms import EXPLODED, STALL, converged, current, judge, opening

# docs/references.md, T31 and T32: in healthy runs a step changes the weights by 2.8e-4 to 2e-2 of their norm.
_TOO_FAR = 0.1
_TOO_NEAR = 3e-5
_READINGS = 3
_LITTLE_PROGRESS = 0.01  # Share of the loss, in 100 steps.
_FEWEST_STEPS = 100
_WARM_UP = 5  # A run that is judged while it is running may still be in warm-up in its first fifth.
_FEWEST_EPOCHS = 10


def learning_rate_too_high(signals: Signals, facts: Facts) -> Finding | None:
    """Learning rate too high: steps change the weights by over 10 % of their norm, or lift the loss tenfold.

    *Why it matters*: the optimizer overshoots every minimum; ReLU units die, or the loss overflows.
    *Known problems*: large batches and short warm-ups tolerate large steps for a while, so a run that learns gets a
    hint.
    *Repair*: usual learning rates are 0.001 for Adam, `torch.optim.Adam(model.parameters(), lr=1e-3)`, and 0.01 to 0.1
    for SGD.

    Reads: update/ratio/*, learning_rate, code/line/*, symptoms

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
        evidence |= {
            "update_ratio": max(filter(math.isfinite, updates.values), default=math.inf),
            "update_ratio_limit": _TOO_FAR,
        }
    if peaks:
        highest = max(value for value in loss.values if not math.isnan(value))
        evidence |= {"highest_loss": highest, "highest_loss_limit": EXPLODED * first}
    evidence |= _highest_rate(signals)
    severity = judge(signals, facts)
    return Finding(
        rule="learning_rate_too_high",
        severity=severity,
        title=_too_high(evidence, severity, first=first),
        evidence=evidence,
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
    """Learning rate too low: steps change the weights by less than 0.003 % of their norm, and the loss barely falls.

    *Why it matters*: at this pace the run ends before the network has learned.
    *Known problems*: fine-tuning takes small steps on purpose; there the loss starts low and this stays a hint. It is
    also a hint where the loss has fallen slowly and is still falling.
    *Repair*: usual learning rates are 0.001 for Adam, `torch.optim.Adam(model.parameters(), lr=1e-3)`, and 0.01 to 0.1
    for SGD.

    Reads: update/ratio/*, learning_rate, code/line/*, symptoms

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
    # The median reading, so that neither warm-up nor the end of a schedule decides.
    usual = sorted(updates.values)[len(updates) // 2]
    steps = loss.steps[-1] - loss.steps[0]
    if not usual < _TOO_NEAR or steps < max(_FEWEST_STEPS, facts.steps // _WARM_UP):
        return None
    # So low a learning rate leaves the first epoch as it began, and an epoch is a better measure than a few batches.
    epochs = signals["loss/train_epoch"]
    first = epochs.first if len(epochs) > 1 else opening(loss)
    fall = (first - current(signals)) / abs(first or 1.0)
    has_stalled = fall < max(1 - STALL, _LITTLE_PROGRESS * steps / 100)
    if not has_stalled and not _is_still_falling(epochs):
        return None
    return Finding(
        rule="learning_rate_too_low",
        severity=judge(signals, facts) if has_stalled else Severity.INFO,
        title=f"Learning rate too low: a step changes the weights by {usual:.0e} of their norm "
        f"(limit {_TOO_NEAR:.0e}), and the loss fell by {max(fall, 0.0):.1%} in {steps} steps.",
        evidence={
            "update_ratio": usual,
            "update_ratio_limit": _TOO_NEAR,
            "loss_fall_fraction": fall,
            **_highest_rate(signals),
        },
        where=line_of(signals, "optimizer"),
        step=updates.steps[0],
        explains=("parameters_not_updated", "no_better_than_chance", "underfitting", "stopped_too_soon"),
        remedies=("raise_rate",),
    )


def _too_high(evidence: dict[str, float], severity: Severity, *, first: float) -> str:
    """Write the title: the learning rate where it is known, and the stronger of the two signs."""
    rate = evidence.get("learning_rate")
    number = "" if rate is None else f" {rate:.3g}"
    if severity is Severity.INFO:
        subject = f"Learning rate{number} may be too high"
    elif rate is None:
        subject = "Learning rate too high"
    else:
        subject = f"Learning rate{number} is too high"
    if "highest_loss" in evidence:
        return f"{subject}: the loss rose from {first:.3g} to {evidence['highest_loss']:.3g}."
    return (
        f"{subject}: single steps change the weights by up to {evidence['update_ratio']:.2g} times their norm "
        f"(limit {_TOO_FAR:g})."
    )


def _highest_rate(signals: Signals) -> dict[str, float]:
    """Return the highest learning rate that was set, as evidence."""
    rates = [rate for rate in signals["learning_rate"].values if math.isfinite(rate)]
    return {"learning_rate": max(rates)} if rates else {}


def _is_still_falling(epochs: Series) -> bool:
    """Tell whether the loss has fallen by over 1 % in the last three tenths of the epochs."""
    if len(epochs) < _FEWEST_EPOCHS:
        return False
    return epochs.last < (1 - _LITTLE_PROGRESS) * epochs.values[-len(epochs) * 3 // 10]


def _first_run(series: Series, limit: float) -> int | None:
    """Return the step of the first of three readings in a row above a limit."""
    values = series.values
    for start in range(len(values) - _READINGS + 1):
        if all(value > limit for value in values[start : start + _READINGS]):
            return series.steps[start]
    return None
