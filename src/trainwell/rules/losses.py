"""Rules on the loss function: outputs, last activations and targets that do not fit it."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import AFTER_INITIALISATION, CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.loss_graph import READINGS, seen_in_graph
from trainwell.rules.persistence import persists, since
from trainwell.rules.symptoms import judge

_OUTSIDE = 0.01  # docs/references.md, T25.


def softmax_before_cross_entropy(signals: Signals, facts: Facts) -> Finding | None:
    """Softmax applied twice: cross entropy is given probabilities, and applies a softmax to them again.

    *Why it matters*: the loss cannot come near zero and its gradient is small, so learning is slow and incomplete.
    *Known problems*: none known. The softmax is seen in the graph of the loss itself.
    *Repair*: remove the softmax: `cross_entropy` expects logits. Apply softmax only to predict.

    Reads: code/softmax_before_cross_entropy, code/line/*

    ok: code/softmax_before_cross_entropy = 1
    bad: code/softmax_before_cross_entropy = 1 1
    """
    return seen_in_graph(
        signals,
        "softmax_before_cross_entropy",
        title="Softmax applied twice: cross entropy expects logits and is given the output of a softmax.",
    )


def sigmoid_before_logits_loss(signals: Signals, facts: Facts) -> Finding | None:
    """Sigmoid applied twice: `binary_cross_entropy_with_logits` is given probabilities.

    *Why it matters*: the predicted probabilities then lie between 0.5 and 0.73, so the network is never confident.
    *Known problems*: none known. The sigmoid is seen in the graph of the loss itself.
    *Repair*: remove the sigmoid, or use `binary_cross_entropy` instead of `binary_cross_entropy_with_logits`.

    Reads: code/sigmoid_before_logits_loss, code/line/*

    ok: code/sigmoid_before_logits_loss = 1
    bad: code/sigmoid_before_logits_loss = 1 1
    """
    return seen_in_graph(
        signals,
        "sigmoid_before_logits_loss",
        title="Sigmoid applied twice: the loss expects logits and is given the output of a sigmoid.",
    )


def activation_before_cross_entropy(signals: Signals, facts: Facts) -> Finding | None:
    """Activation on logits: the outputs pass a ReLU, sigmoid or tanh before the cross entropy.

    *Why it matters*: the range of the logits is limited. A ReLU removes negative logits and their gradient, a sigmoid
    leaves them between 0 and 1, so no class can be ruled out.
    *Known problems*: none known.
    *Repair*: let the last layer be linear, `nn.Linear(width, classes)`, without an activation function.

    Reads: code/activation_before_cross_entropy, code/line/*

    ok: code/activation_before_cross_entropy = 1
    bad: code/activation_before_cross_entropy = 1 1
    """
    return seen_in_graph(
        signals,
        "activation_before_cross_entropy",
        title="Activation on logits: cross entropy expects unbounded logits, and the last layer has an activation "
        "function.",
        severity=Severity.WARNING,
    )


def missing_log_softmax(signals: Signals, facts: Facts) -> Finding | None:
    """Missing log-softmax: `nll_loss` or `ctc_loss` is given values that are not log-probabilities.

    *Why it matters*: the loss then falls without bound while nothing is learned, because larger outputs are enough.
    *Known problems*: none known.
    *Repair*: use `cross_entropy` instead of `nll_loss`, or end the network with `log_softmax` over the class axis:
    `log_softmax(x, dim=1)`, for CTC `dim=2`.

    Reads: code/missing_log_softmax, code/line/*

    ok: code/missing_log_softmax = 1
    bad: code/missing_log_softmax = 2.5 3.5
    """
    return seen_in_graph(
        signals,
        "missing_log_softmax",
        title="Missing log-softmax: the loss expects log-probabilities (at most 0) and is given values up to "
        "{value:.3g}.",
        evidence="largest_value",
    )


def softmax_over_batch(signals: Signals, facts: Facts) -> Finding | None:
    """Softmax over the wrong axis: over the examples of a batch instead of the classes.

    *Why it matters*: the prediction for an example then depends on the other examples of its batch, and a single
    example always gets probability one.
    *Known problems*: losses that compare all examples with all others.
    *Repair*: `softmax(x, dim=1)`, or `dim=-1`.

    Reads: code/softmax_over_batch, code/line/*

    ok: code/softmax_over_batch = 1
    bad: code/softmax_over_batch = 64 64
    """
    return seen_in_graph(
        signals,
        "softmax_over_batch",
        title="Softmax over the wrong axis: it normalises over the {value:.0f} examples of the batch (dim=0) instead "
        "of the classes.",
        evidence="batch_size",
    )


def softmax_over_one(signals: Signals, facts: Facts) -> Finding | None:
    """Softmax over an axis of length 1: its output is always 1.

    *Why it matters*: the output is 1 whatever the network computes, and its gradient is 0.
    *Known problems*: none known.
    *Repair*: for two classes give the network one output and use `binary_cross_entropy_with_logits`; otherwise one
    output for each class.

    Reads: code/softmax_over_one, code/line/*

    ok: code/softmax_over_one = 1
    bad: code/softmax_over_one = 1 1
    """
    return seen_in_graph(
        signals,
        "softmax_over_one",
        title="Softmax over an axis of length 1: its output is always 1 and its gradient is 0.",
    )


def broadcast_loss(signals: Signals, facts: Facts) -> Finding | None:
    """Broadcast in the loss: outputs and targets have different shapes, and every output is compared with every target.

    *Why it matters*: (n, 1) outputs minus (n,) targets make n times n differences, so every prediction is drawn to the
    mean of all targets.
    *Known problems*: distances between all pairs that are meant; those written with unsqueeze are not reported.
    *Repair*: give both the same shape: `loss(model(x).squeeze(1), y)`.

    Reads: code/broadcast_loss, code/line/*

    ok: code/broadcast_loss = 1
    bad: code/broadcast_loss = 1024 1024
    """
    return seen_in_graph(
        signals,
        "broadcast_loss",
        title="Broadcast in the loss: outputs and targets have different shapes, so every output is compared with "
        "every target ({value:.0f} pairs).",
        evidence="compared_pairs",
    )


def squared_error_on_classes(signals: Signals, facts: Facts) -> Finding | None:
    """Squared error for classification: the network learns one-hot targets with the mean squared error.

    *Why it matters*: the gradient is weak where the network is confidently wrong, so learning is slower and ends worse.
    *Known problems*: it does work in the end, and some use it on purpose.
    *Repair*: `cross_entropy(model(x), classes)`, without softmax and one-hot targets.

    Reads: code/squared_error_on_classes, code/line/*

    ok: code/squared_error_on_classes = 1
    bad: code/squared_error_on_classes = 10 10
    """
    return seen_in_graph(
        signals,
        "squared_error_on_classes",
        title="Squared error for classification: one-hot targets of {value:.0f} classes are learned with the mean "
        "squared error instead of the cross entropy.",
        severity=Severity.WARNING,
        evidence="classes",
    )


def targets_outside_output_range(signals: Signals, facts: Facts) -> Finding | None:
    """Targets lie outside the range of the last activation function.

    *Why it matters*: a sigmoid ends at 1, tanh at -1 and 1, a ReLU at 0, so targets beyond cannot be predicted.
    *Known problems*: a few outliers are tolerated.
    *Repair*: let the last layer be linear, `nn.Linear(width, 1)`, or scale the targets to the range of the last
    activation function.

    Reads: code/targets_outside_output_range, code/line/*

    ok: code/targets_outside_output_range = 0 0.001 0
    bad: code/targets_outside_output_range = 0.5 0.6
    """
    name = "code/targets_outside_output_range"
    outside = persists(signals, name, readings=READINGS)
    if outside is None or outside <= _OUTSIDE:
        return None
    return Finding(
        rule="targets_outside_output_range",
        severity=Severity.ERROR,
        title=f"Targets outside the output range: {outside:.0%} of the targets cannot be reached by the last "
        f"activation function (limit {_OUTSIDE:.0%}).",
        evidence={"targets_outside_fraction": outside, "targets_outside_fraction_limit": _OUTSIDE},
        where=line_of(signals, "loss", "backward"),
        step=since(signals, name),
        explains=AFTER_INITIALISATION,
    )


def target_outside_unit_interval(signals: Signals, facts: Facts) -> Finding | None:
    """Binary cross entropy is given targets, or probabilities, outside 0 to 1.

    *Why it matters*: its formula holds for probabilities only; elsewhere it falls without bound, or PyTorch refuses.
    *Known problems*: none known.
    *Repair*: make the targets 0 and 1, `y.float()`; use `cross_entropy` for more than two classes; apply a sigmoid to
    the outputs, or use `binary_cross_entropy_with_logits`.

    Reads: code/target_outside_unit_interval, code/error/outside_unit_interval, code/nonfinite/*, loss/train,
        code/line/*

    ok: code/target_outside_unit_interval = 1
    bad: code/target_outside_unit_interval = 8 8
    bad: code/error/outside_unit_interval = 1
    ok: code/error/outside_unit_interval = 1; loss/train = 90 nan
    """
    found = seen_in_graph(
        signals,
        "target_outside_unit_interval",
        title="Binary cross entropy with targets outside 0 to 1, by up to {value:.3g}.",
        evidence="distance_from_unit_interval",
    )
    was_refused = "code/error/outside_unit_interval" in signals
    is_nan = any(not math.isfinite(value) for value in signals["loss/train"].values)
    # NaN lies in no interval, and has a cause of its own.
    if found is not None or not was_refused or is_nan or signals.under("code/nonfinite"):
        return found
    return Finding(
        rule="target_outside_unit_interval",
        severity=Severity.ERROR,
        title="Binary cross entropy was given probabilities or targets outside 0 to 1, and PyTorch refused them.",
        where=line_of(signals, "error", "backward"),
        explains=CONSEQUENCES,
    )


def summed_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is summed over the batch instead of averaged.

    *Why it matters*: the gradient grows with the batch size, so a learning rate meant for a mean is too high by that
    factor.
    *Known problems*: harmless where the learning rate was chosen for it. Such a run trains well, so it stays a hint.
    *Repair*: `reduction="mean"`, or divide the learning rate by the batch size.

    Reads: code/summed_loss, code/line/*, symptoms

    ok: code/summed_loss = 1
    hint: code/summed_loss = 64 64
    bad: code/summed_loss = 64 64; loss/train = 2.3 nan
    """
    return seen_in_graph(
        signals,
        "summed_loss",
        title="The loss is summed over the {value:.0f} examples of a batch, so gradients grow with the batch size.",
        severity=judge(signals, facts),
        evidence="batch_size",
    )


def negated_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The sign of the loss is wrong: training maximises it.

    *Why it matters*: a minus before the loss, or an optimizer told to maximise, drives the network to the worst
    predictions.
    *Known problems*: GANs maximise a loss on purpose and are not judged.
    *Repair*: remove the minus before the loss, or `maximize=True` of the optimizer; in a manual update subtract the
    gradient.

    Reads: code/negated_loss, code/line/*

    ok: code/negated_loss = 1
    bad: code/negated_loss = 1 1
    """
    return seen_in_graph(
        signals,
        "negated_loss",
        title="The sign of the loss is wrong: training maximises the error instead of minimising it.",
    )
