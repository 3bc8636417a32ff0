"""Rules on the loss and what it is given: heads and targets that do not fit it."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS, line_of, persists, since
from trainwell.rules.symptoms import judge

_READINGS = 2  # Two different batches (diagnosis P1).
_OUTSIDE = 0.01  # Diagnosis P12: share of the targets that the head cannot reach.
_NOT_INITIAL = tuple(name for name in SYMPTOMS if name not in ("symmetric_weights", "activation_scale"))


def softmax_before_cross_entropy(signals: Signals, facts: Facts) -> Finding | None:
    """Cross entropy is given probabilities, and takes their softmax again.

    *Why it matters*: the loss cannot come near zero, its gradient is flat, and learning is slow and incomplete.
    *Known problems*: none known; the softmax is seen in the graph of the loss itself.
    *Cure*: drop the softmax: `cross_entropy` takes the raw answers (logits). Use softmax only to predict.

    Reads: code/softmax_before_cross_entropy, code/line/*

    ok: code/softmax_before_cross_entropy = 1
    bad: code/softmax_before_cross_entropy = 1 1
    """
    return _fact(
        signals, "softmax_before_cross_entropy", "A softmax lies before the cross entropy, which applies one by itself."
    )


def sigmoid_before_logits_loss(signals: Signals, facts: Facts) -> Finding | None:
    """A loss that applies the sigmoid by itself is given probabilities.

    *Why it matters*: the answers then lie between 0.5 and 0.73 only, so that the network can never be sure.
    *Known problems*: none known; the sigmoid is seen in the graph of the loss itself.
    *Cure*: drop the sigmoid, or use `binary_cross_entropy` for `binary_cross_entropy_with_logits`.

    Reads: code/sigmoid_before_logits_loss, code/line/*

    ok: code/sigmoid_before_logits_loss = 1
    bad: code/sigmoid_before_logits_loss = 1 1
    """
    return _fact(signals, "sigmoid_before_logits_loss", "A sigmoid lies before a loss that applies one by itself.")


def activation_before_cross_entropy(signals: Signals, facts: Facts) -> Finding | None:
    """The answers pass a rectifier, sigmoid or tanh before the cross entropy.

    *Why it matters*: the network cannot say "surely not": a rectifier cuts off negative answers and their gradient, a
    sigmoid leaves them between 0 and 1.
    *Known problems*: none known.
    *Cure*: end the network with its linear layer, `nn.Linear(width, classes)`, without an activation.

    Reads: code/activation_before_cross_entropy, code/line/*

    ok: code/activation_before_cross_entropy = 1
    bad: code/activation_before_cross_entropy = 1 1
    """
    return _fact(
        signals,
        "activation_before_cross_entropy",
        "The last layer has an activation, though the cross entropy needs free numbers.",
        severity=Severity.WARNING,
    )


def missing_log_softmax(signals: Signals, facts: Facts) -> Finding | None:
    """The negative log likelihood, or the CTC loss, is given numbers that are no log probabilities.

    *Why it matters*: the loss then falls without end while nothing is learned: larger answers are all it wants.
    *Known problems*: none known.
    *Cure*: use `cross_entropy` for `nll_loss`, or end the network with `log_softmax` over the axis of the classes:
    `log_softmax(x, dim=1)`, for CTC `dim=2`.

    Reads: code/missing_log_softmax, code/line/*

    ok: code/missing_log_softmax = 1
    bad: code/missing_log_softmax = 2.5 3.5
    """
    return _fact(
        signals,
        "missing_log_softmax",
        "The loss is given plain numbers; it needs the logarithms of probabilities that sum to 1.",
        evidence="largest_value",
    )


def softmax_over_batch(signals: Signals, facts: Facts) -> Finding | None:
    """The softmax is taken over the examples of a batch and not over the classes.

    *Why it matters*: the answer to an example then depends on what else is in its batch, and a single example is always
    given probability one.
    *Known problems*: losses that compare all examples with all others.
    *Cure*: `softmax(x, dim=1)`, or `dim=-1`.

    Reads: code/softmax_over_batch, code/line/*

    ok: code/softmax_over_batch = 1
    bad: code/softmax_over_batch = 64 64
    """
    return _fact(
        signals,
        "softmax_over_batch",
        "The softmax runs over the batch (dim=0) and not over the classes.",
        evidence="batch_size",
    )


def softmax_over_one(signals: Signals, facts: Facts) -> Finding | None:
    """The softmax is taken over a single number.

    *Why it matters*: it is 1 whatever the network says, and its gradient is 0.
    *Known problems*: none known.
    *Cure*: for two classes give the network one output and use `binary_cross_entropy_with_logits`; else one output for
    each class.

    Reads: code/softmax_over_one, code/line/*

    ok: code/softmax_over_one = 1
    bad: code/softmax_over_one = 1 1
    """
    return _fact(signals, "softmax_over_one", "The softmax runs over a single number, so that its answer is always 1.")


def broadcast_loss(signals: Signals, facts: Facts) -> Finding | None:
    """Answers and targets have different shapes and are compared all with all.

    *Why it matters*: (n, 1) answers minus (n,) targets make n times n differences, so every answer is drawn to the mean
    of all targets.
    *Known problems*: distances between all pairs that are meant; those written with unsqueeze are let pass.
    *Cure*: give both the same shape: `loss(model(x).squeeze(1), y)`.

    Reads: code/broadcast_loss, code/line/*

    ok: code/broadcast_loss = 1
    bad: code/broadcast_loss = 1024 1024
    """
    return _fact(
        signals,
        "broadcast_loss",
        "Answers and targets have different shapes: every answer is compared with every target.",
        evidence="compared_pairs",
    )


def squared_error_on_classes(signals: Signals, facts: Facts) -> Finding | None:
    """Classes are learned with the squared error of one-hot targets.

    *Why it matters*: its gradient is weak where the network is surely wrong, so learning is slower and ends worse.
    *Known problems*: it does work, in the end; some use it on purpose.
    *Cure*: `cross_entropy(model(x), classes)`, without softmax and one-hot targets.

    Reads: code/squared_error_on_classes, code/line/*

    ok: code/squared_error_on_classes = 1
    bad: code/squared_error_on_classes = 10 10
    """
    return _fact(
        signals,
        "squared_error_on_classes",
        "Classes are learned with a squared error; the cross entropy is made for them.",
        severity=Severity.WARNING,
        evidence="classes",
    )


def targets_outside_output_range(signals: Signals, facts: Facts) -> Finding | None:
    """Targets lie where the last activation cannot go.

    *Why it matters*: a sigmoid ends at 1, tanh at -1 and 1, a rectifier at 0: targets beyond are never met.
    *Known problems*: a few outliers are let pass.
    *Cure*: end the network with its linear layer, `nn.Linear(width, 1)`, or bring the targets into the range of its
    last activation.

    Reads: code/targets_outside_output_range, code/line/*

    ok: code/targets_outside_output_range = 0 0.001 0
    bad: code/targets_outside_output_range = 0.5 0.6
    """
    outside = persists(signals, "code/targets_outside_output_range", _READINGS)
    if outside is None or outside <= _OUTSIDE:
        return None
    return Finding(
        rule="targets_outside_output_range",
        severity=Severity.ERROR,
        title=f"{outside:.0%} of the targets lie beyond what the last activation can answer.",
        evidence={"targets_outside_fraction": outside, "targets_outside_fraction_limit": _OUTSIDE},
        where=line_of(signals, "loss", "backward"),
        step=since(signals, "code/targets_outside_output_range"),
        explains=_NOT_INITIAL,
    )


def target_outside_unit_interval(signals: Signals, facts: Facts) -> Finding | None:
    """A binary cross entropy is given targets, or answers, beyond 0 and 1.

    *Why it matters*: its formula holds for probabilities only; elsewhere it falls without end, or is refused.
    *Known problems*: none known.
    *Cure*: make targets 0 and 1, `y.float()`; more than two classes take `cross_entropy`; answers pass a sigmoid, or
    the loss is `binary_cross_entropy_with_logits`.

    Reads: code/target_outside_unit_interval, code/error/outside_unit_interval, code/nonfinite/*, loss/train,
        code/line/*

    ok: code/target_outside_unit_interval = 1
    bad: code/target_outside_unit_interval = 8 8
    bad: code/error/outside_unit_interval = 1
    ok: code/error/outside_unit_interval = 1; loss/train = 90 nan
    """
    refused = "code/error/outside_unit_interval" in signals
    found = _fact(
        signals,
        "target_outside_unit_interval",
        "The binary cross entropy is given targets beyond 0 and 1.",
        evidence="distance_from_unit_interval",
    )
    broken = any(not math.isfinite(value) for value in signals["loss/train"].values) or signals.under("code/nonfinite")
    if found is not None or not refused or broken:  # NaN lies in no interval, and has a cause of its own
        return found
    return Finding(
        rule="target_outside_unit_interval",
        severity=Severity.ERROR,
        title="The binary cross entropy was given answers or targets beyond 0 and 1.",
        where=line_of(signals, "error", "backward"),
        explains=SYMPTOMS,
    )


def summed_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is a sum over the batch and not a mean.

    *Why it matters*: the gradient grows with the batch, and a learning rate made for a mean is as many times too high.
    *Known problems*: fine where the rate was chosen for it; then nothing suffers and it stays a hint.
    *Cure*: `reduction="mean"`, or divide the rate by the batch size.

    Reads: code/summed_loss, code/line/*, symptoms

    ok: code/summed_loss = 1
    hint: code/summed_loss = 64 64
    bad: code/summed_loss = 64 64; loss/train = 2.3 nan
    """
    return _fact(
        signals,
        "summed_loss",
        "The loss is a sum over the batch: the step grows with the batch size.",
        severity=judge(signals, facts),
        evidence="batch_size",
    )


def negated_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The training makes its loss larger.

    *Why it matters*: a minus before the loss, or an optimizer told to maximise, drives the network to the worst answer.
    *Known problems*: networks that play against each other do so on purpose and are not judged.
    *Cure*: drop the minus before the loss, or `maximize=True` of the optimizer; by hand, subtract the gradient.

    Reads: code/negated_loss, code/line/*

    ok: code/negated_loss = 1
    bad: code/negated_loss = 1 1
    """
    return _fact(signals, "negated_loss", "The sign is wrong: the training makes the error larger, not smaller.")


def missing_batch_first(signals: Signals, facts: Facts) -> Finding | None:
    """A recurrent or attention layer takes the examples of a batch for the steps of one sequence.

    *Why it matters*: each answer then depends on the other examples of its batch, and no longer on its own sequence.
    PyTorch's layers expect (time, batch, features) unless told otherwise.
    *Known problems*: none known; square batches, and answers for each time, are not judged.
    *Cure*: `nn.GRU(..., batch_first=True)`, or `x.transpose(0, 1)` before the layer.

    Reads: code/missing_batch_first, code/line/*

    ok: code/missing_batch_first = 64
    bad: code/missing_batch_first = 64 64
    """
    return _fact(
        signals,
        "missing_batch_first",
        "A sequence layer takes the examples of a batch for the steps of one sequence (batch_first is missing).",
        evidence="batch_size",
    )


def missing_causal_mask(signals: Signals, facts: Facts) -> Finding | None:
    """A network that is to say what comes next is shown what comes next.

    *Why it matters*: it learns to copy it; its loss is splendid, and it can write nothing.
    *Known problems*: networks whose attention is written by hand are not judged.
    *Cure*: give the layer a causal mask, `nn.Transformer.generate_square_subsequent_mask(length)`; a recurrent layer
    must not be bidirectional.

    Reads: code/missing_causal_mask, code/line/*

    ok: code/missing_causal_mask = 1
    bad: code/missing_causal_mask = 1 1
    """
    return _fact(
        signals,
        "missing_causal_mask",
        "The targets are the inputs moved by one place, and the network sees them: no mask hides the future.",
    )


def _fact(
    signals: Signals, name: str, title: str, *, severity: Severity = Severity.ERROR, evidence: str = "batches_seen"
) -> Finding | None:
    """Make a finding of a fact that the graph of the loss shows in every sampled batch."""
    value = persists(signals, f"code/{name}", _READINGS)
    if value is None:
        return None
    series = signals[f"code/{name}"]
    return Finding(
        rule=name,
        severity=severity,
        title=title,
        evidence={evidence: float(len(series)) if evidence == "batches_seen" else value},
        where=line_of(signals, "loss", "backward"),
        step=series.steps[0],
        explains=_NOT_INITIAL,
    )
