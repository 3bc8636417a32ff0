"""Rules on how a run starts: the initial weights, the network's structure and the initial loss."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.locations import line_of
from trainwell.rules.symptoms import judge

_EQUAL_ROWS = 1e-6  # docs/references.md, T18: variance below 1e-12.
_SYMMETRIC_READINGS = 5  # Branches that start at zero on purpose move within the first few steps.


def symmetric_weights(signals: Signals, facts: Facts) -> Finding | None:
    """Symmetry is not broken: all units of a layer have identical weights, and keep them identical.

    *Why it matters*: such units compute the same and receive the same gradient, so the layer is worth a single unit.
    *Known problems*: none known. Branches initialised to zero on purpose lose their symmetry at the first step.

    Reads: weight/row_spread/*

    ok: weight/row_spread/fc1.weight = 0 0.01 0.02 0.04 0.05 0.06
    bad: weight/row_spread/fc1.weight = 0*6; weight/row_spread/fc2.weight = 0 0.01 0.02 0.04 0.05 0.06
    """
    layers = signals.under("weight/row_spread")
    where = tuple(
        name
        for name, series in layers.items()
        if len(series) >= _SYMMETRIC_READINGS and max(series.values) <= _EQUAL_ROWS
    )
    if not where:
        return None
    spread = max(max(layers[name].values) for name in where)
    return Finding(
        rule="symmetric_weights",
        severity=Severity.ERROR,
        title=f"Symmetry is not broken: all units of {where[0]} have identical weights, so they stay identical.",
        evidence={"row_spread": spread, "row_spread_limit": _EQUAL_ROWS},
        where=where,
        step=layers[where[0]].steps[0],
        explains=(
            "activation_scale",
            "initial_loss_far_from_chance",
            "learning_rate_too_high",
            "constant_outputs",
            "dead_units",
            "saturated_activations",
            "vanishing_gradients",
            "learning_rate_too_low",
            "parameters_not_updated",
            "no_better_than_chance",
            "underfitting",
        ),
        remedies=("he_initialisation",),
    )


def no_nonlinearity(signals: Signals, facts: Facts) -> Finding | None:
    """Missing activation functions: several linear layers follow each other without a non-linearity.

    *Why it matters*: linear layers in a row compute what a single one computes, so depth and width are wasted.
    *Known problems*: layers with a narrow one between them are a deliberate factorisation and are not judged.
    *Repair*: put `nn.ReLU()` between the layers.

    Reads: code/no_nonlinearity, code/line/*

    ok: code/no_nonlinearity = 0
    bad: code/no_nonlinearity = 3 3
    """
    depth = signals["code/no_nonlinearity"]
    if len(depth) < 2 or min(depth.values) < 2:
        return None
    return Finding(
        rule="no_nonlinearity",
        severity=Severity.WARNING,
        title=f"Missing activation functions: {depth.last:.0f} linear layers follow each other without a "
        "non-linearity, so together they are a single linear layer.",
        evidence={"linear_layers": depth.last, "linear_layers_limit": 1.0},
        where=line_of(signals, "forward"),
        step=depth.steps[0],
        explains=("underfitting",),
    )


def initial_loss_far_from_chance(signals: Signals, facts: Facts) -> Finding | None:
    """The initial loss is several times the chance level.

    *Why it matters*: the first steps are spent on undoing the initial outputs, or the loss does not fit the task.
    *Known problems*: class weights and custom losses shift the chance level. A loss *below* the chance level is not
    judged, because a pretrained network starts there. The limits depend on the task (docs/references.md, T17).

    Reads: symptoms

    ok: loss/train = 2.9 2.3 1.1; initial_loss_limits = (3, 10); chance_loss = 2.3; class_counts = (10, 10, 10)
    ok: loss/train = 0.7 0.3 0.1; initial_loss_limits = (3, 10); chance_loss = 0.06; class_counts = (990, 10)
    hint: loss/train = 14 2.3 1.1; initial_loss_limits = (3, 10); chance_loss = 2.3
    bad: loss/train = 70*20 @10; initial_loss_limits = (3, 10); chance_loss = 2.3
    bad: loss/train = 70*20 @10; initial_loss_limits = (50, 1000); numeric_target = True; chance_loss = 1.0
    """
    loss = signals["loss/train"]
    if not loss or loss.steps[0] != 0 or not math.isfinite(loss.first):
        return None
    if facts.initial_loss_limits is None or facts.chance_loss is None or not facts.chance_loss > 0:
        return None
    warning, error = facts.initial_loss_limits
    uniform = 0.0 if facts.numeric_target else math.log(max(2, len(facts.class_counts)))
    # An untrained network predicts all classes alike, which on rare classes costs more than knowing their shares.
    reference = max(facts.chance_loss, uniform)
    if not loss.first > warning * reference:
        return None
    severity = judge(signals, facts)
    if severity is Severity.ERROR and loss.first <= error * reference:
        severity = Severity.WARNING
    if facts.numeric_target:
        baseline = "predicting the mean"
    else:
        baseline = "a uniform guess (ln C)" if reference == uniform else "the best constant prediction"
    return Finding(
        rule="initial_loss_far_from_chance",
        severity=severity,
        title=f"Initial loss {loss.first:.3g} is {loss.first / reference:.1f}x the loss of {baseline} "
        f"(limit {warning:.0f}x).",
        evidence={"first_loss": loss.first, "first_loss_limit": warning * reference, "chance_loss": reference},
        step=0,
        explains=(
            "learning_rate_too_high",
            "saturated_activations",
            "exploding_gradients",
            "loss_diverges",
            "loss_not_finite",
        ),
        remedies=("he_initialisation", "standardise_inputs"),
    )
