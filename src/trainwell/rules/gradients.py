"""Rules on gradients and on parameters that do not move."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import of_weights, what_of
from trainwell.rules.symptoms import converged, judge

# Diagnosis T8 and T9; mean gradients of the first and the last layer, healthy 0.08 to 1.25.
_VANISHING_RATIO = 1e-3
_EXPLODING_RATIO = 70.0
_JUMP = 10.0
_READINGS = 10
_JUMPS = 3
# Diagnosis T4 asks for 20 consecutive steps; our readings are steps far apart, so fewer of them say the same.
_STILL_READINGS = 5
_STILL_STEPS = 20


def vanishing_gradients(signals: Signals, facts: Facts) -> Finding | None:
    """The gradient of the first layer is less than a thousandth of the last layer's.

    *Why it matters*: the first layers hardly learn, however long the run.
    *Known problems*: rows of an embedding are rarely used and look weak; once the loss is near zero, ratios are noise.

    Reads: grad/mean_abs/*, symptoms

    ok: grad/mean_abs/a.weight = 0.01*12; grad/mean_abs/b.weight = 0.02*12
    hint: grad/mean_abs/a.weight = 1e-6*12; grad/mean_abs/b.weight = 0.02*12
    bad: grad/mean_abs/a.weight = 1e-6*12; grad/mean_abs/b.weight = 0.02*12; loss/train = 2.3*20 @10
    """
    found = _first_over_last(signals)
    if found is None or converged(signals) or not 0 < (ratio := statistics.median(found[2])) < _VANISHING_RATIO:
        return None
    first, last, _ = found
    return Finding(
        rule="vanishing_gradients",
        severity=judge(signals, facts),
        title=f"The gradient fades on its way back: at {first} it is {ratio:.1e} of that at {last}.",
        evidence={"first_over_last": ratio, "first_over_last_limit": _VANISHING_RATIO},
        where=(first,),
        step=signals[f"grad/mean_abs/{first}"].steps[-_READINGS],
        explains=(
            "learning_rate_too_low",
            "constant_outputs",
            "parameters_not_updated",
            "no_better_than_chance",
            "underfitting",
        ),
        remedies=("relu_activation", "he_initialisation", "fewer_layers"),
    )


def exploding_gradients(signals: Signals, facts: Facts) -> Finding | None:
    """The gradient jumps to ten times its usual size, or grows seventyfold from the last layer to the first.

    *Why it matters*: one such step can undo a thousand good ones.
    *Known problems*: single spikes after a hard batch are normal, so three of the last ten readings must jump.

    Reads: grad/norm, grad/mean_abs/*, symptoms

    ok: grad/norm = 1.0*15 30 1.0*9
    hint: grad/norm = 1.0*15 30 40 1 50
    bad: grad/norm = 1.0*15 30 40 1 50; loss/train = 2.3*20 @10
    bad: grad/mean_abs/a.weight = 9*12; grad/mean_abs/b.weight = 0.1*12; loss/train = 2.3*20 @10
    """
    if converged(signals):
        return None
    evidence: dict[str, float] = {}
    norms = [value for value in signals["grad/norm"].values if math.isfinite(value)]
    usual = statistics.median(norms[:-_READINGS]) if len(norms) >= _READINGS + 5 else math.nan
    jumps = [value for value in norms[-_READINGS:] if value > _JUMP * usual > 0]
    if len(jumps) >= _JUMPS:
        evidence |= {"gradient_norm": max(jumps), "gradient_norm_limit": _JUMP * usual, "median_norm": usual}
    found = _first_over_last(signals)
    ratio = statistics.median(found[2]) if found else 0.0
    if ratio > _EXPLODING_RATIO:
        evidence |= {"first_over_last": ratio, "first_over_last_limit": _EXPLODING_RATIO}
    if not evidence:
        return None
    return Finding(
        rule="exploding_gradients",
        severity=judge(signals, facts),
        title="The gradient keeps jumping to many times its usual size."
        if jumps
        else f"The gradient grows {ratio:.0f}-fold on its way back to the first layer.",
        evidence=evidence,
        where=(found[0],) if found and ratio > _EXPLODING_RATIO else (),
        step=signals["grad/norm"].steps[-_READINGS] if jumps else None,
        explains=("loss_diverges", "loss_not_finite", "no_better_than_chance"),
        remedies=("clip_gradients", "lower_rate", "he_initialisation"),
    )


def parameters_not_updated(signals: Signals, facts: Facts) -> Finding | None:
    """A parameter that should learn never changes.

    *Why it matters*: no gradient reaches it (cut by detach, dead units), or the optimizer was never given it.
    *Known problems*: heads that are not in use, and experts that are rarely chosen.

    Reads: update/ratio/*, weight/norm/*, grad/norm/*

    ok: update/ratio/a.weight = 1e-3*6 @10; update/ratio/b.weight = 1e-3*6 @10; update/ratio/b.bias = 0*6 @10
    bad: update/ratio/a.weight = 0*6 @10; update/ratio/b.weight = 1e-3*6 @10
    bad: weight/norm/a.weight = 1.5*12 @10; weight/norm/b.weight = 0.5*12 @10; grad/norm/a.weight = 1.0*12
    """
    norms = signals.under("weight/norm")
    if norms and all(_is_still(series, _READINGS) for series in norms.values()):
        return _frozen(tuple(norms), signals, everything=True)
    updates = signals.under("update/ratio")
    still = tuple(name for name, series in updates.items() if _is_still(series, _STILL_READINGS) and series.last == 0)
    # Where only differences of answers count, a last bias has no gradient, and that is right.
    if all(what_of(name) == "bias" for name in still) or len(still) == len(updates):
        return None
    return _frozen(still, signals, everything=False)


def _frozen(where: tuple[str, ...], signals: Signals, *, everything: bool) -> Finding:
    gradients: Mapping[str, Series] = signals.under("grad/norm")
    largest = max((max(gradients[name].values) for name in where if name in gradients), default=0.0)
    cause = "the optimizer does not change it" if largest > 0 else "no gradient reaches it"
    subject = "No parameter" if everything else f"{where[0]} never"
    return Finding(
        rule="parameters_not_updated",
        severity=Severity.ERROR if everything else Severity.WARNING,
        title=f"{subject} changes: {cause}.",
        evidence={"update_ratio": 0.0, "update_ratio_limit": 0.0, "gradient_norm": largest},
        where=where,
        step=0,
        explains=("no_better_than_chance", "underfitting"),
        remedies=("raise_rate",) if everything else (),
    )


def _is_still(series: Series, readings: int) -> bool:
    enough = len(series) >= readings and series.steps[-1] - series.steps[0] >= _STILL_STEPS
    return enough and all(value == series.first for value in series.values)


def _first_over_last(signals: Signals) -> tuple[str, str, list[float]] | None:
    """Return the first and the last weight, and the newest ratios of their gradients."""
    layers = of_weights(signals.under("grad/mean_abs"))
    if len(layers) < 2:
        return None
    names = list(layers)
    pairs = zip(layers[names[0]].tail(_READINGS), layers[names[-1]].tail(_READINGS), strict=False)
    ratios = [first / last for first, last in pairs if last > 0 and math.isfinite(first / last)]
    return (names[0], names[-1], ratios) if len(ratios) >= _READINGS else None
