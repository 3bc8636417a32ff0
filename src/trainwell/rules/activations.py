"""Rules on what the layers answer."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series, Signals
from trainwell.rules.layers import worst_first
from trainwell.rules.symptoms import judge

# Diagnosis P9; healthy networks show 0.07 to 3.2.
_SMALLEST_STD = 0.02
_LARGEST_STD = 20.0
_LARGEST_RATIO = 10.0
# Diagnosis T10. Healthy normalised networks reach 0.67 dead units at 98 % accuracy, so half is not enough by itself.
_NEARLY_ALL_DEAD = 0.9
_HALF_DEAD = 0.5
_ALL_ZERO = 0.999
_SATURATED = 0.5  # Diagnosis T11.
_BORN_SATURATED = 0.9  # Sound first weights leave less than a twentieth saturated: no symptom is needed beside this.
_PERSISTENT = 3


def activation_scale(signals: Signals, facts: Facts) -> Finding | None:
    """Before training, the answers of the layers fade or grow from layer to layer.

    *Why it matters*: a signal that fades to nothing carries no input, and its gradient fades alike; one that grows
    saturates what comes after. Well-chosen first weights keep the deviation between 0.1 and 3.
    *Known problems*: a layer whose answers are normalised next is left out: its scale does not matter (diagnosis P9).
    So is the last layer, because it may start at zero on purpose.

    Reads: activation/std/*, activation/normalised/*, symptoms

    ok: activation/std/a = 0.9 1.0; activation/std/b = 0.4 0.5; activation/std/head = 0
    ok: activation/std/a = 0.9; activation/std/b = 0.001; activation/normalised/b = 1; activation/std/head = 0
    hint: activation/std/a = 0.9 1.0; activation/std/b = 0.001 0.5; activation/std/head = 0
    bad: activation/std/a = 0.9; activation/std/b = 0.001; activation/std/head = 0; loss/train = 2.3*20 @10
    """
    normalised = signals.under("activation/normalised")
    layers = [(name, one) for name, one in list(signals.under("activation/std").items())[:-1] if name not in normalised]
    first = {name: one.first for name, one in layers if one.steps[0] == 0 and one.first > 0}
    if not first:
        return None
    off = {name: max(spread / _LARGEST_STD, _SMALLEST_STD / spread) for name, spread in first.items()}
    where = tuple(name for name in worst_first(off) if off[name] > 1)
    ratio = max(first.values()) / min(first.values())
    if not where and ratio <= _LARGEST_RATIO:
        return None
    where = where or (min(first, key=lambda name: first[name]),)
    return Finding(
        rule="activation_scale",
        severity=judge(signals, facts),
        title=f"Before training, the answers of {where[0]} have a standard deviation of {first[where[0]]:.1e}.",
        evidence={
            "activation_std": first[where[0]],
            "activation_std_low_limit": _SMALLEST_STD,
            "activation_std_high_limit": _LARGEST_STD,
            "largest_over_smallest": ratio,
            "largest_over_smallest_limit": _LARGEST_RATIO,
        },
        where=where,
        step=0,
        explains=(
            "initial_loss_far_from_chance",
            "learning_rate_too_high",
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
            "underfitting",
        ),
        remedies=("he_initialisation", "relu_activation", "fewer_layers"),
    )


def dead_units(signals: Signals, facts: Facts) -> Finding | None:
    """Most units of a rectifier layer have been silent for 512 examples and more.

    *Why it matters*: a silent rectifier passes no gradient, so its unit cannot come back by itself. The usual causes
    are too high a learning rate and large negative biases.
    *Known problems*: sparse layers are healthy; below nine tenths the rule speaks only if the run suffers.

    Reads: activation/dead_fraction/*, activation/zero_fraction/*, symptoms

    ok: activation/dead_fraction/act1 = 0.6 0.6 0.6
    hint: activation/dead_fraction/act1 = 0.95 0.95 0.95
    bad: activation/dead_fraction/act1 = 0.6*3 @10; loss/train = 2.3*20 @10
    bad: activation/dead_fraction/act1 = 1.0; loss/train = 2.3*20 @10; chance_loss = 2.3
    bad: activation/zero_fraction/act1 = 1.0*3 @10; loss/train = 2.3*20 @10; chance_loss = 2.3
    """
    series = signals.under("activation/dead_fraction")
    severity = judge(signals, facts)
    limit = _NEARLY_ALL_DEAD if severity is Severity.INFO else _HALF_DEAD
    # Where every answer of a layer is zero, batch after batch, 512 examples need not be waited for.
    zeros = {name: one for name, one in signals.under("activation/zero_fraction").items() if len(one) >= _PERSISTENT}
    silent = {name: one for name, one in zeros.items() if min(one.tail(_PERSISTENT)) >= _ALL_ZERO}
    series = {name: one for name, one in series.items() if one.last >= limit} or silent
    dead = {name: one.last for name, one in series.items()}
    if not dead:
        return None
    where = worst_first(dead)
    return Finding(
        rule="dead_units",
        severity=severity,
        title=f"{dead[where[0]]:.0%} of the units after {where[0]} never fire.",
        evidence={"dead_fraction": dead[where[0]], "dead_fraction_limit": limit},
        where=where,
        step=_since(series[where[0]], limit),
        explains=(
            "vanishing_gradients",
            "learning_rate_too_low",
            "constant_outputs",
            "parameters_not_updated",
            "no_better_than_chance",
            "underfitting",
        ),
        remedies=("lower_rate", "he_initialisation", "leaky_relu_activation", "gelu_activation"),
    )


def saturated_activations(signals: Signals, facts: Facts) -> Finding | None:
    """Most answers of a sigmoid or tanh layer lie where the curve is flat.

    *Why it matters*: there the slope is below a fiftieth of its largest value, so hardly any gradient passes.
    *Known problems*: the last layer is left out, because a sure answer is a saturated one.

    Reads: activation/saturated_fraction/*, activation/mean/*, symptoms

    ok: activation/saturated_fraction/act1 = 0.1*5; loss/train = 2.3*20 @10; activation/mean/head = 0
    hint: activation/saturated_fraction/act1 = 0.8*5; activation/mean/head = 0
    bad: activation/saturated_fraction/act1 = 0.8*5; loss/train = 2.3*20 @10; activation/mean/head = 0
    bad: activation/saturated_fraction/act1 = 0.95*5; activation/mean/head = 0
    ok: activation/saturated_fraction/out = 0.8*5; loss/train = 2.3*20 @10; activation/mean/out = 0
    """
    last = next(reversed(signals.under("activation/mean")), None)
    series = signals.under("activation/saturated_fraction")
    saturated = {
        name: one.last
        for name, one in series.items()
        if name != last and len(one) >= _PERSISTENT and min(one.tail(_PERSISTENT)) > _SATURATED
    }
    if not saturated:
        return None
    where = worst_first(saturated)
    severity = judge(signals, facts)
    if severity is Severity.INFO and series[where[0]].first > _BORN_SATURATED < saturated[where[0]]:
        severity = Severity.WARNING
    return Finding(
        rule="saturated_activations",
        severity=severity,
        title=f"{saturated[where[0]]:.0%} of the answers of {where[0]} lie where its curve is flat.",
        evidence={"saturated_fraction": saturated[where[0]], "saturated_fraction_limit": _SATURATED},
        where=where,
        step=_since(series[where[0]], _SATURATED),
        explains=("vanishing_gradients", "learning_rate_too_low", "no_better_than_chance", "underfitting"),
        remedies=("xavier_initialisation", "standardise_inputs", "lower_rate", "relu_activation"),
    )


def _since(series: Series, limit: float) -> int:
    """Return the first step of the last unbroken stretch at or above a limit."""
    since = series.steps[-1]
    for step, value in reversed(list(series)):
        if value < limit:
            break
        since = step
    return since
