"""Rules on regularisation that is too strong."""

from __future__ import annotations

import math
import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import of_weights, worst_first
from trainwell.rules.symptoms import judge

# Calibrated on trainings of the digits. Weights that no gradient holds shrink too, but slowly, and weights that a high
# rate has thrown far out come back: neither is the decay's fault.
_SHRUNK = 0.1
_GROWN = 1.5
_FAST_STEPS = 50


def weights_shrink_away(signals: Signals, facts: Facts) -> Finding | None:
    """The weights have shrunk to less than a tenth of what they were at first, and fast.

    *Why it matters*: weight decay pulls harder than the loss, so the network forgets faster than it learns.
    *Known problems*: weights before a normalisation layer may shrink without harm; a run that learns is left alone.

    Reads: weight/norm/*, symptoms

    ok: weight/norm/a.weight = 8*10 5*10; loss/train = 2.3*20 @10
    ok: weight/norm/a.weight = 8 4 2 1 0.5*20; loss/train = 2.3*5 0.2*20 @10
    ok: weight/norm/a.weight = 8 90 40 10 0.5*20; loss/train = 2.3*25 @10
    bad: weight/norm/a.weight = 8 4 2 1 0.5*20; loss/train = 2.3*25 @10
    """
    norms = of_weights(signals.under("weight/norm"))
    norms = {name: series for name, series in norms.items() if series.first > 0}
    severity = judge(signals, facts)
    if not norms or severity is Severity.INFO:
        return None
    left = {name: series.last / series.first for name, series in norms.items()}
    largest = statistics.median(max(series.values) / series.first for series in norms.values())
    halved = statistics.median(_halved_at(series) for series in norms.values())
    if not (statistics.median(left.values()) < _SHRUNK and largest < _GROWN and halved <= _FAST_STEPS):
        return None
    return Finding(
        rule="weights_shrink_away",
        severity=severity,
        title="The weights have shrunk to almost nothing: the weight decay is too strong.",
        evidence={"norm_left": statistics.median(left.values()), "norm_left_limit": _SHRUNK},
        where=tuple(reversed(worst_first(left))),
        step=int(halved),
        explains=(
            "rate_too_high",
            "dead_units",
            "gradient_vanishes",
            "outputs_ignore_input",
            "no_better_than_chance",
            "underfitting",
        ),
        remedies=("less_regularisation",),
    )


def _halved_at(series: Series) -> float:
    return next((step for step, value in series if value <= series.first / 2), math.inf) - series.steps[0]
