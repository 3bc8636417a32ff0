"""Rules on the activations of the layers: their scale, dead ReLU units, saturation."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.layers import first_step_at_or_above, worst_first
from trainwell.rules.symptoms import judge

# docs/references.md, T19: healthy networks show 0.07 to 3.2.
_SMALLEST_STD = 0.02
_LARGEST_STD = 20.0
_LARGEST_RATIO = 10.0
# docs/references.md, T36: healthy normalised networks reach 0.67 dead units at 98 % accuracy, so half is not enough.
_NEARLY_ALL_DEAD = 0.9
_HALF_DEAD = 0.5
_ALL_ZERO = 0.999
# docs/references.md, T37.
_SATURATED = 0.5
_SATURATED_AT_START = 0.9  # Sound initialisations leave less than a twentieth saturated, so no symptom is needed.
_PERSISTENT = 3


def activation_scale(signals: Signals, facts: Facts) -> Finding | None:
    """Poor initialisation: before training, activations shrink or grow from layer to layer.

    *Why it matters*: activations that shrink to zero carry no input, and their gradients vanish too; activations that
    grow saturate the layers after them. A sound initialisation keeps their standard deviation between 0.1 and 3.
    *Known problems*: a layer whose output is normalised next is left out, because its scale does not matter
    (docs/references.md, T19). So is the last layer, which may start at zero on purpose.

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
        title=f"Poor initialisation: before training, the activations of {where[0]} have a standard deviation of "
        f"{first[where[0]]:.1e} (expected 0.1 to 3).",
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
    """Dead ReLU units: most units of a layer have been zero for 512 examples or more.

    *Why it matters*: a ReLU unit that is always zero passes no gradient, so it cannot recover by itself. The usual
    causes are a learning rate that is too high and large negative biases.
    *Known problems*: sparse layers can be healthy. Below 90 % dead units the rule reports only runs with a symptom.

    Reads: activation/dead_fraction/*, activation/zero_fraction/*, symptoms

    ok: activation/dead_fraction/act1 = 0.6 0.6 0.6
    hint: activation/dead_fraction/act1 = 0.95 0.95 0.95
    bad: activation/dead_fraction/act1 = 0.6*3 @10; loss/train = 2.3*20 @10
    bad: activation/dead_fraction/act1 = 1.0; loss/train = 2.3*20 @10; chance_loss = 2.3
    bad: activation/zero_fraction/act1 = 1.0*3 @10; loss/train = 2.3*20 @10; chance_loss = 2.3
    """
    severity = judge(signals, facts)
    limit = _NEARLY_ALL_DEAD if severity is Severity.INFO else _HALF_DEAD
    # Where every output of a layer is zero, batch after batch, there is no need to wait for 512 examples.
    zeros = {name: one for name, one in signals.under("activation/zero_fraction").items() if len(one) >= _PERSISTENT}
    all_zero = {name: one for name, one in zeros.items() if min(one.tail(_PERSISTENT)) >= _ALL_ZERO}
    counted = {name: one for name, one in signals.under("activation/dead_fraction").items() if one.last >= limit}
    series = counted or all_zero
    dead = {name: one.last for name, one in series.items()}
    if not dead:
        return None
    where = worst_first(dead)
    return Finding(
        rule="dead_units",
        severity=severity,
        title=f"Dead ReLU units: {dead[where[0]]:.0%} of the units of {where[0]} are always zero (limit {limit:.0%}).",
        evidence={"dead_fraction": dead[where[0]], "dead_fraction_limit": limit},
        where=where,
        step=first_step_at_or_above(series[where[0]], limit),
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
    """Saturated activations: most outputs of a sigmoid or tanh layer lie where its slope is near zero.

    *Why it matters*: there the slope is below a fiftieth of its largest value, so hardly any gradient passes.
    *Known problems*: the last layer is left out, because a confident prediction is a saturated one.

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
    fraction = saturated[where[0]]
    severity = judge(signals, facts)
    if severity is Severity.INFO and min(series[where[0]].first, fraction) > _SATURATED_AT_START:
        severity = Severity.WARNING
    return Finding(
        rule="saturated_activations",
        severity=severity,
        title=f"Saturated activations: {fraction:.0%} of the outputs of {where[0]} lie where its slope is near zero "
        f"(limit {_SATURATED:.0%}).",
        evidence={"saturated_fraction": fraction, "saturated_fraction_limit": _SATURATED},
        where=where,
        step=first_step_at_or_above(series[where[0]], _SATURATED),
        explains=("vanishing_gradients", "learning_rate_too_low", "no_better_than_chance", "underfitting"),
        remedies=("xavier_initialisation", "standardise_inputs", "lower_rate", "relu_activation"),
    )
