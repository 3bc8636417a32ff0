"""Rules on how a run begins: the weights and the first loss."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import line_of
from trainwell.rules.symptoms import judge

_EQUAL_ROWS = 1e-6  # Diagnosis P8: variance below 1e-12.
_SYMMETRIC_READINGS = 5  # Branches that start at zero on purpose move within the first few steps.


def symmetric_weights(signals: Signals, facts: Facts) -> Finding | None:
    """All units of a layer have the same weights and keep them the same.

    *Why it matters*: such units compute the same and receive the same gradient, so the layer is worth one unit.
    *Known problems*: none known; branches set to zero on purpose lose their symmetry at the first step.

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
    return Finding(
        rule="symmetric_weights",
        severity=Severity.ERROR,
        title="All units of a layer started with the same weights, so they all learn the same.",
        evidence={"row_spread": max(max(layers[name].values) for name in where), "row_spread_limit": _EQUAL_ROWS},
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
    """The network has several layers and nothing between them that bends.

    *Why it matters*: linear layers one after the other are worth a single one, so depth and width buy nothing.
    *Known problems*: layers with a narrow one between them are a factorisation that is meant, and are not judged.
    *Cure*: put `nn.ReLU()` between the layers.

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
        title=f"{depth.last:.0f} linear layers follow each other without an activation: together they are one.",
        evidence={"linear_layers": depth.last, "linear_layers_limit": 1.0},
        where=line_of(signals, "forward"),
        step=depth.steps[0],
        explains=("underfitting",),
    )


def initial_loss_far_from_chance(signals: Signals, facts: Facts) -> Finding | None:
    """Before the first update the loss is several times that of guessing.

    *Why it matters*: the first steps are spent on undoing the initial outputs, or on a loss that does not fit the task.
    *Known problems*: class weights and losses of one's own move the reference. A loss *below* chance is not judged: it
    is what a pretrained network should show.

    Reads: symptoms

    ok: loss/train = 2.9 2.3 1.1; initial_loss_limits = (3, 10); chance_loss = 2.3; class_counts = (10, 10, 10)
    ok: loss/train = 0.7 0.3 0.1; initial_loss_limits = (3, 10); chance_loss = 0.06; class_counts = (990, 10)
    hint: loss/train = 14 2.3 1.1; initial_loss_limits = (3, 10); chance_loss = 2.3
    bad: loss/train = 70*20 @10; initial_loss_limits = (3, 10); chance_loss = 2.3
    bad: loss/train = 70*20 @10; initial_loss_limits = (50, 1000); numeric_target = True; chance_loss = 1.0
    """
    loss = signals["loss/train"]
    if not loss or loss.steps[0] != 0 or not facts.chance_loss or not math.isfinite(loss.first):
        return None
    if facts.initial_loss_limits is None:
        return None
    usual, gross = facts.initial_loss_limits
    reference = max(facts.chance_loss, _uniform_loss(facts))
    if not loss.first > usual * reference:
        return None
    severity = judge(signals, facts)
    if severity is Severity.ERROR and loss.first <= gross * reference:
        severity = Severity.WARNING
    return Finding(
        rule="initial_loss_far_from_chance",
        severity=severity,
        title=f"The first loss is {loss.first:.3g}, {loss.first / reference:.1f} times that of guessing.",
        evidence={"first_loss": loss.first, "first_loss_limit": usual * reference, "chance_loss": reference},
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


def _uniform_loss(facts: Facts) -> float:
    # An untrained network guesses evenly, which on rare classes costs more than knowing their shares.
    if facts.numeric_target:
        return 0.0
    return math.log(max(2, len(facts.class_counts)))
