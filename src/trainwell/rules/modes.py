"""Rules on train mode and eval mode."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persistent_under

_FEWEST_STEPS = 10  # docs/references.md, T29.


def training_in_eval_mode(signals: Signals, facts: Facts) -> Finding | None:
    """The network is trained in eval mode, although it has dropout or batch normalisation.

    *Why it matters*: dropout is off and batch normalisation uses its running statistics. Usually `model.eval()` was
    called for an evaluation, and `model.train()` was not called after it.
    *Known problems*: fine-tuning loaded weights in eval mode from the first step on may be meant; it is a warning.
    *Repair*: call `model.train()` at the start of each epoch.

    Reads: code/training_in_eval_mode, code/step_calls, code/weights_loaded, code/line/*

    ok: code/training_in_eval_mode = 0; code/step_calls = 90
    ok: code/training_in_eval_mode = 0 1 0; code/step_calls = 90
    ok: code/training_in_eval_mode = 0 1 @88; code/step_calls = 90
    bad: code/training_in_eval_mode = 0 1 @30; code/step_calls = 90
    bad: code/training_in_eval_mode = 1; code/step_calls = 90; code/weights_loaded = 1
    """
    changes = signals["code/training_in_eval_mode"]
    steps = signals["code/step_calls"]
    if not changes or not steps or changes.last == 0:
        return None
    in_eval_mode = steps.last - changes.steps[-1]
    if in_eval_mode < _FEWEST_STEPS:
        return None
    may_be_meant = bool(signals["code/weights_loaded"]) and len(changes) == 1
    return Finding(
        rule="training_in_eval_mode",
        severity=Severity.WARNING if may_be_meant else Severity.ERROR,
        title=f"Training in eval mode: model.train() is not called, so dropout is off and batch normalisation uses its "
        f"running statistics for {in_eval_mode:.0f} steps (limit {_FEWEST_STEPS}).",
        evidence={"steps_in_eval_mode": in_eval_mode, "steps_in_eval_mode_limit": _FEWEST_STEPS},
        where=line_of(signals, "forward"),
        step=changes.steps[-1],
        explains=CONSEQUENCES,
    )


def evaluation_in_train_mode(signals: Signals, facts: Facts) -> Finding | None:
    """The network is evaluated in train mode, although it has dropout or batch normalisation.

    *Why it matters*: the predictions are noisy and depend on the other examples of the batch, and the running
    statistics of batch normalisation learn from the validation data.
    *Known problems*: dropout left on to estimate uncertainty (Monte Carlo dropout) looks the same. GANs are not
    judged.
    *Repair*: call `model.eval()` before evaluating, and `model.train()` after it.

    Reads: code/evaluation_in_train_mode, code/line/*

    ok: code/evaluation_in_train_mode = 0 0
    bad: code/evaluation_in_train_mode = 1
    """
    evaluations = signals["code/evaluation_in_train_mode"]
    wrong = [step for step, value in evaluations if value > 0]
    if len(wrong) * 2 <= len(evaluations):
        return None
    return Finding(
        rule="evaluation_in_train_mode",
        severity=Severity.ERROR,
        title=f"Evaluation in train mode: model.eval() is not called in {len(wrong)} of {len(evaluations)} "
        "evaluations, so dropout and batch normalisation distort the predictions.",
        evidence={"evaluations_in_train_mode": float(len(wrong)), "evaluations_in_train_mode_limit": 0.0},
        where=line_of(signals, "evaluation"),
        step=wrong[0],
        explains=("validation_at_chance", "overfitting"),
    )


def batch_norm_not_updated(signals: Signals, facts: Facts) -> Finding | None:
    """The running statistics of batch normalisation are never updated: they are still exactly 0 and 1.

    *Why it matters*: in eval mode the layer normalises with these instead of with those of the data, so the network
    does not compute what it was trained to compute.
    *Known problems*: statistics that are gathered in a separate pass after training.
    *Repair*: leave the layer's `momentum` at 0.1; 0 keeps the initial values, and `None` averages over all batches.

    Reads: code/statistics_unchanged/*

    ok: code/statistics_unchanged/body.1 = 16
    bad: code/statistics_unchanged/body.1 = 16 24 32
    """
    layers = persistent_under(signals, "code/statistics_unchanged", readings=2)
    if not layers:
        return None
    where = tuple(layers)
    return Finding(
        rule="batch_norm_not_updated",
        severity=Severity.ERROR,
        title=f"The running statistics of batch normalisation are not updated: those of {where[0]} are still 0 and 1 "
        f"after {layers[where[0]]:.0f} training batches.",
        evidence={"batches": layers[where[0]], "running_mean": 0.0, "running_variance": 1.0},
        where=where,
        step=signals[f"code/statistics_unchanged/{where[0]}"].steps[0],
        explains=("validation_at_chance", "overfitting"),
    )
