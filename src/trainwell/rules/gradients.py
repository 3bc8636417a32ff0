"""Rules on gradients, and on parameters that are not updated."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import NamedTuple

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import of_weights, what_of
from trainwell.rules.symptoms import converged, judge

# docs/references.md, T34 and T35: mean gradients of the first and the last layer, healthy 0.08 to 1.25.
_VANISHING_RATIO = 1e-3
_EXPLODING_RATIO = 70.0
_JUMP = 10.0
_READINGS = 10
_JUMPS = 3
_FEWEST_BEFORE = 5  # Readings before the newest ones, from which the usual norm is taken.
# docs/references.md, T28 asks for 20 consecutive steps; readings are steps far apart, so fewer of them say the same.
_STILL_READINGS = 5
_STILL_STEPS = 20


class _Ratio(NamedTuple):
    """The gradient of the first weight over that of the last: names, and the newest ratios."""

    first: str
    last: str
    values: list[float]


def vanishing_gradients(signals: Signals, facts: Facts) -> Finding | None:
    """Vanishing gradients: the gradient of the first layer is below a thousandth of that of the last layer.

    *Why it matters*: the first layers barely learn, however long the run is.
    *Known problems*: rows of an embedding are rarely used, so their mean gradient is small. Once the loss is near
    zero, ratios of gradients are noise.

    Reads: grad/mean_abs/*, symptoms

    ok: grad/mean_abs/a.weight = 0.01*12; grad/mean_abs/b.weight = 0.02*12
    hint: grad/mean_abs/a.weight = 1e-6*12; grad/mean_abs/b.weight = 0.02*12
    bad: grad/mean_abs/a.weight = 1e-6*12; grad/mean_abs/b.weight = 0.02*12; loss/train = 2.3*20 @10
    """
    found = _first_over_last(signals)
    if found is None or converged(signals):
        return None
    ratio = statistics.median(found.values)
    if not 0 < ratio < _VANISHING_RATIO:
        return None
    return Finding(
        rule="vanishing_gradients",
        severity=judge(signals, facts),
        title=f"Vanishing gradients: the mean gradient of {found.first} is {ratio:.1e} of that of {found.last} "
        f"(limit {_VANISHING_RATIO:.0e}), so the first layers barely learn.",
        evidence={"first_over_last": ratio, "first_over_last_limit": _VANISHING_RATIO},
        where=(found.first,),
        step=signals[f"grad/mean_abs/{found.first}"].steps[-_READINGS],
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
    """Exploding gradients: the norm jumps to ten times its median, or grows 70-fold from the last layer to the first.

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
    usual = statistics.median(norms[:-_READINGS]) if len(norms) >= _READINGS + _FEWEST_BEFORE else math.nan
    jumps = [value for value in norms[-_READINGS:] if value > _JUMP * usual > 0]
    has_jumped = len(jumps) >= _JUMPS
    if has_jumped:
        evidence |= {"gradient_norm": max(jumps), "gradient_norm_limit": _JUMP * usual, "median_norm": usual}
    found = _first_over_last(signals)
    ratio = statistics.median(found.values) if found else 0.0
    if ratio > _EXPLODING_RATIO:
        evidence |= {"first_over_last": ratio, "first_over_last_limit": _EXPLODING_RATIO}
    if not evidence:
        return None
    return Finding(
        rule="exploding_gradients",
        severity=judge(signals, facts),
        title=f"Exploding gradients: in {len(jumps)} of {_READINGS} readings the gradient norm is more than "
        f"{_JUMP:.0f} times its median, up to {max(jumps):.3g}."
        if has_jumped
        else f"Exploding gradients: the gradient grows {ratio:.0f}-fold from the last layer back to the first "
        f"(limit {_EXPLODING_RATIO:.0f}).",
        evidence=evidence,
        where=(found.first,) if found and ratio > _EXPLODING_RATIO else (),
        step=signals["grad/norm"].steps[-_READINGS] if has_jumped else None,
        explains=("loss_diverges", "loss_not_finite", "no_better_than_chance"),
        remedies=("clip_gradients", "lower_rate", "he_initialisation"),
    )


def parameters_not_updated(signals: Signals, facts: Facts) -> Finding | None:
    """A trainable parameter never changes.

    *Why it matters*: no gradient reaches it (detached, or behind dead units), or the optimizer does not hold it.
    *Known problems*: heads that are not in use, and experts that are rarely chosen.

    Reads: update/ratio/*, weight/norm/*, grad/norm/*

    ok: update/ratio/a.weight = 1e-3*6 @10; update/ratio/b.weight = 1e-3*6 @10; update/ratio/b.bias = 0*6 @10
    bad: update/ratio/a.weight = 0*6 @10; update/ratio/b.weight = 1e-3*6 @10
    bad: weight/norm/a.weight = 1.5*12 @10; weight/norm/b.weight = 0.5*12 @10; grad/norm/a.weight = 1.0*12
    """
    norms = signals.under("weight/norm")
    if norms and all(_is_still(series, readings=_READINGS) for series in norms.values()):
        return _not_updated(tuple(norms), signals, everything=True)
    updates = signals.under("update/ratio")
    still = tuple(
        name for name, series in updates.items() if _is_still(series, readings=_STILL_READINGS) and series.last == 0
    )
    # Where only differences of outputs count, the last bias has no gradient, and that is right.
    if all(what_of(name) == "bias" for name in still) or len(still) == len(updates):
        return None
    return _not_updated(still, signals, everything=False)


def _not_updated(where: tuple[str, ...], signals: Signals, *, everything: bool) -> Finding:
    gradients: Mapping[str, Series] = signals.under("grad/norm")
    largest = max((max(gradients[name].values) for name in where if name in gradients), default=0.0)
    cause = "optimizer steps change nothing" if largest > 0 else "no gradient reaches it"
    subject = "No parameter is updated" if everything else f"Parameters are not updated: {where[0]} never changes"
    return Finding(
        rule="parameters_not_updated",
        severity=Severity.ERROR if everything else Severity.WARNING,
        title=f"{subject}, because {cause}.",
        evidence={"update_ratio": 0.0, "update_ratio_limit": 0.0, "gradient_norm": largest},
        where=where,
        step=0,
        explains=("no_better_than_chance", "underfitting"),
        remedies=("raise_rate",) if everything else (),
    )


def _is_still(series: Series, *, readings: int) -> bool:
    enough = len(series) >= readings and series.steps[-1] - series.steps[0] >= _STILL_STEPS
    return enough and all(value == series.first for value in series.values)


def _first_over_last(signals: Signals) -> _Ratio | None:
    """Return the first and the last weight, and the newest ratios of their mean gradients."""
    layers = of_weights(signals.under("grad/mean_abs"))
    if len(layers) < 2:
        return None
    names = list(layers)
    pairs = zip(layers[names[0]].tail(_READINGS), layers[names[-1]].tail(_READINGS), strict=False)
    ratios = [first / last for first, last in pairs if last > 0 and math.isfinite(first / last)]
    return _Ratio(names[0], names[-1], ratios) if len(ratios) >= _READINGS else None
