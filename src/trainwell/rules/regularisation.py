"""Rules on regularisation that is too strong."""

from __future__ import annotations

import math
import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.code_signals import line_of
from trainwell.rules.layers import of_weights, worst_first
from trainwell.rules.symptoms import CHANCE, FEWEST_STEPS, judge

# Calibrated on trainings of the digits. Weights that no gradient holds shrink too, but slowly, and weights that a high
# rate has thrown far out come back: neither is the decay's fault.
_SHRUNK = 0.1
_GROWN = 1.5
_FAST_STEPS = 50
_FADED_READINGS = 6
_OUTWEIGHED = (
    0.9  # Share of the first loss that is penalty; healthy is 0.003 of the gradient, faulty 16 times it (T13).
)
_DROPPED = 0.9  # UMLAUT warns above 0.5, which flags sound networks.


def weight_decay_too_strong(signals: Signals, facts: Facts) -> Finding | None:
    """The weights have shrunk to less than a tenth of what they were at first, and fast.

    *Why it matters*: weight decay pulls harder than the loss, so the network forgets faster than it learns.
    *Known problems*: weights before a normalisation layer may shrink without harm; a run that learns is left alone.

    Reads: weight/norm/*, output/std, symptoms

    ok: weight/norm/a.weight = 8*10 5*10; loss/train = 2.3*20 @10
    ok: weight/norm/a.weight = 8 4 2 1 0.5*20; loss/train = 2.3*5 0.2*20 @10
    ok: weight/norm/a.weight = 8 90 40 10 0.5*20; loss/train = 2.3*25 @10
    bad: weight/norm/a.weight = 8 4 2 1 0.5*20; loss/train = 2.3*25 @10
    bad: weight/norm/a.weight = 8 4 2 1 0.5*20; loss/train = 900 9 0.7*20 @10; output/std = 1 0.5 0.01*20 @10
    """
    norms = of_weights(signals.under("weight/norm"))
    norms = {name: series for name, series in norms.items() if series.first > 0}
    severity = judge(signals, facts)
    spread = signals["output/std"]
    faded = len(spread) > _FADED_READINGS and max(spread.tail(3)) < _SHRUNK * max(spread.values)
    if not norms or (severity is Severity.INFO and not faded):
        return None
    left = {name: series.last / series.first for name, series in norms.items()}
    largest = statistics.median(max(series.values) / series.first for series in norms.values())
    halved = statistics.median(_halved_at(series) for series in norms.values())
    if not (statistics.median(left.values()) < _SHRUNK and largest < _GROWN and (faded or halved <= _FAST_STEPS)):
        return None
    return Finding(
        rule="weight_decay_too_strong",
        severity=max(severity, Severity.WARNING, key=(Severity.INFO, Severity.WARNING, Severity.ERROR).index),
        title="The weights have shrunk to almost nothing: the weight decay is too strong.",
        evidence={"norm_left": statistics.median(left.values()), "norm_left_limit": _SHRUNK},
        where=tuple(reversed(worst_first(left))),
        step=int(halved) if math.isfinite(halved) else None,
        explains=(
            "learning_rate_too_high",
            "dead_units",
            "vanishing_gradients",
            "constant_outputs",
            "no_better_than_chance",
            "underfitting",
        ),
        remedies=("less_regularisation",),
    )


def unbalanced_loss_terms(signals: Signals, facts: Facts) -> Finding | None:
    """What is added to the loss makes up nearly all of it at first, and the loss proper stays at that of guessing.

    *Why it matters*: the optimizer sees little but the penalty, and takes the weights where it is small.
    *Known problems*: losses of several parts of which one is hard and small on purpose; weighted losses are not judged.
    *Cure*: make its factor a hundred times smaller or more, `loss + 1e-4 * penalty`, until it is a small part.

    Reads: code/penalty_fraction, code/data_loss, code/data_chance, loss/validation, code/line/*

    ok: code/penalty_fraction = 0.1*25 @10; code/data_loss = 2.3*25 @10; code/data_chance = 2.3
    ok: code/penalty_fraction = 0.99 0.6 0.2*25 @10; code/data_loss = 2.3*5 1.7*20 @10; code/data_chance = 2.3
    ok: code/penalty_fraction = 0.99*9 @10; code/data_loss = 2.3*9 @10; code/data_chance = 2.3; loss/validation = 1.7
    bad: code/penalty_fraction = 0.99 0.6 0.2*25 @10; code/data_loss = 2.3*25 @10; code/data_chance = 2.3
    """
    share, part, chance = (signals["code/penalty_fraction"], signals["code/data_loss"], signals["code/data_chance"])
    if not share or not share.first > _OUTWEIGHED or not chance or len(part) < _FADED_READINGS:
        return None
    now, limit = statistics.median(part.tail(_FADED_READINGS)), CHANCE * chance.last
    if part.steps[-1] < FEWEST_STEPS or not min([now, *signals["loss/validation"].tail(3)]) >= limit:
        return None
    return Finding(
        rule="unbalanced_loss_terms",
        severity=Severity.WARNING,
        title=f"The penalty is too strong: it is {share.first:.0%} of the first loss, and the rest stays at chance.",
        evidence={
            "penalty_fraction": share.first,
            "penalty_fraction_limit": _OUTWEIGHED,
            "loss_without_penalty": now,
            "loss_without_penalty_limit": limit,
        },
        where=line_of(signals, "backward"),
        step=share.steps[0],
        explains=(
            "weight_decay_too_strong",
            "learning_rate_too_high",
            "dead_units",
            "vanishing_gradients",
            "learning_rate_too_low",
            "constant_outputs",
            "no_better_than_chance",
            "validation_at_chance",
            "underfitting",
        ),
        remedies=("less_regularisation",),
    )


def dropout_too_strong(signals: Signals, facts: Facts) -> Finding | None:
    """A dropout layer silences nine tenths of its inputs or more.

    *Why it matters*: hardly any signal passes, so that training is slow noise. The argument is the share that is
    dropped, not the share that is kept.
    *Known problems*: none known; usual are 0.1 to 0.5, and 0.8 has been used with profit.
    *Cure*: `nn.Dropout(0.1)` to `nn.Dropout(0.5)`.

    Reads: code/dropout/*

    ok: code/dropout/body.2 = 0.5
    bad: code/dropout/body.2 = 0.95
    """
    strong = {name: series.last for name, series in signals.under("code/dropout").items() if series.last >= _DROPPED}
    if not strong:
        return None
    where = worst_first(strong)
    return Finding(
        rule="dropout_too_strong",
        severity=Severity.WARNING,
        title=f"{where[0]} drops {strong[where[0]]:.0%} of what it is given.",
        evidence={"dropped_fraction": strong[where[0]], "dropped_fraction_limit": _DROPPED},
        where=where,
        step=0,
        explains=("activation_scale", "learning_rate_too_low", "no_better_than_chance", "underfitting"),
        remedies=("less_regularisation",),
    )


def _halved_at(series: Series) -> float:
    return next((step for step, value in series if value <= series.first / 2), math.inf) - series.steps[0]
