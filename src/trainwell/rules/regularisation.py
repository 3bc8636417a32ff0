"""Rules on regularisation that is too strong."""

from __future__ import annotations

import math
import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import of_weights, worst_first
from trainwell.rules.locations import line_of
from trainwell.rules.symptoms import CHANCE, FEWEST_STEPS, judge

# docs/references.md, T38. Weights that no gradient holds shrink too, but slowly, and weights that a high learning rate
# has thrown far out come back: neither is the fault of weight decay.
_SHRUNK = 0.1
_GROWN = 1.5
_FAST_STEPS = 50
_NEWEST_READINGS = 6
_DOMINATES = 0.9  # Share of the initial loss.
_DROPPED = 0.9  # docs/references.md, T39.
_GRAVITY = (Severity.INFO, Severity.WARNING, Severity.ERROR)


def weight_decay_too_strong(signals: Signals, facts: Facts) -> Finding | None:
    """Weight decay too strong: the weights have quickly shrunk to less than a tenth of their initial norm.

    *Why it matters*: weight decay pulls harder than the loss, so the network forgets faster than it learns.
    *Known problems*: weights before a normalisation layer may shrink without harm, so a run that learns is not
    reported.

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
    outputs_faded = _faded(signals["output/std"])
    if not norms or (severity is Severity.INFO and not outputs_faded):
        return None
    left = {name: series.last / series.first for name, series in norms.items()}
    share_left = statistics.median(left.values())
    largest = statistics.median(max(series.values) / series.first for series in norms.values())
    halved = statistics.median(_halved_at(series) for series in norms.values())
    was_fast = outputs_faded or halved <= _FAST_STEPS
    if not (share_left < _SHRUNK and largest < _GROWN and was_fast):
        return None
    return Finding(
        rule="weight_decay_too_strong",
        severity=max(severity, Severity.WARNING, key=_GRAVITY.index),
        title=f"Weight decay is too strong: the weights have shrunk to {share_left:.1%} of their initial norm "
        f"(limit {_SHRUNK:.0%}).",
        evidence={"norm_left": share_left, "norm_left_limit": _SHRUNK},
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
    """Unbalanced loss terms: a penalty is nearly all of the initial loss, and the rest stays at the chance level.

    *Why it matters*: the optimizer minimises the penalty and hardly sees the data.
    *Known problems*: losses with one term that is hard and small on purpose. Weighted losses are not judged.
    *Repair*: make the factor of the penalty a hundred times smaller or more, `loss + 1e-4 * penalty`, until it is a
    small part of the loss.

    Reads: code/penalty_fraction, code/data_loss, code/data_chance, loss/validation, code/line/*

    ok: code/penalty_fraction = 0.1*25 @10; code/data_loss = 2.3*25 @10; code/data_chance = 2.3
    ok: code/penalty_fraction = 0.99 0.6 0.2*25 @10; code/data_loss = 2.3*5 1.7*20 @10; code/data_chance = 2.3
    ok: code/penalty_fraction = 0.99*9 @10; code/data_loss = 2.3*9 @10; code/data_chance = 2.3; loss/validation = 1.7
    bad: code/penalty_fraction = 0.99 0.6 0.2*25 @10; code/data_loss = 2.3*25 @10; code/data_chance = 2.3
    """
    share = signals["code/penalty_fraction"]
    data_loss = signals["code/data_loss"]
    chance = signals["code/data_chance"]
    if not share or not share.first > _DOMINATES or not chance or len(data_loss) < _NEWEST_READINGS:
        return None
    now = statistics.median(data_loss.tail(_NEWEST_READINGS))
    limit = CHANCE * chance.last
    if data_loss.steps[-1] < FEWEST_STEPS or not min([now, *signals["loss/validation"].tail(3)]) >= limit:
        return None
    return Finding(
        rule="unbalanced_loss_terms",
        severity=Severity.WARNING,
        title=f"Unbalanced loss terms: the penalty is {share.first:.0%} of the initial loss (limit {_DOMINATES:.0%}), "
        f"and the rest of the loss stays at the chance level, {now:.3g}.",
        evidence={
            "penalty_fraction": share.first,
            "penalty_fraction_limit": _DOMINATES,
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
    """Dropout too strong: a layer drops 90 % of its inputs or more.

    *Why it matters*: hardly any signal passes, so training is slow and noisy. In PyTorch the argument is the
    probability of dropping a unit, not of keeping it.
    *Known problems*: none known. Usual probabilities are 0.1 to 0.5, and 0.8 has been used with success.
    *Repair*: `nn.Dropout(0.1)` to `nn.Dropout(0.5)`.

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
        title=f"Dropout is too strong: {where[0]} drops {strong[where[0]]:.0%} of its inputs (limit {_DROPPED:.0%}).",
        evidence={"dropped_fraction": strong[where[0]], "dropped_fraction_limit": _DROPPED},
        where=where,
        step=0,
        explains=("activation_scale", "learning_rate_too_low", "no_better_than_chance", "underfitting"),
        remedies=("less_regularisation",),
    )


def _faded(spread: Series) -> bool:
    """Tell whether the outputs now vary by less than a tenth of what they once did."""
    return len(spread) > _NEWEST_READINGS and max(spread.tail(3)) < _SHRUNK * max(spread.values)


def _halved_at(series: Series) -> float:
    return next((step for step, value in series if value <= series.first / 2), math.inf) - series.steps[0]
