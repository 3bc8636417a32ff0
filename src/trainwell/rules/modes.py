"""Rules on train and eval mode."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS, line_of, persistent_under

_FEWEST_STEPS = 10


def training_in_eval_mode(signals: Signals, facts: Facts) -> Finding | None:
    """The network is trained in eval mode, though it has dropout or batch normalisation.

    *Why it matters*: dropout does nothing and normalisation uses old statistics. Usually `model.eval()` was called for
    an evaluation and `model.train()` not after it.
    *Known problems*: fine-tuning in eval mode from the first step on, with loaded weights, may be meant: a warning.
    *Cure*: call `model.train()` at the start of each epoch.

    Reads: code/training_in_eval_mode, code/step_calls, code/weights_loaded, code/line/*

    ok: code/training_in_eval_mode = 0; code/step_calls = 90
    ok: code/training_in_eval_mode = 0 1 0; code/step_calls = 90
    ok: code/training_in_eval_mode = 0 1 @88; code/step_calls = 90
    bad: code/training_in_eval_mode = 0 1 @30; code/step_calls = 90
    bad: code/training_in_eval_mode = 1; code/step_calls = 90; code/weights_loaded = 1
    """
    changes, steps = signals["code/training_in_eval_mode"], signals["code/step_calls"]
    if not changes or not steps or changes.last == 0 or steps.last - changes.steps[-1] < _FEWEST_STEPS:
        return None
    meant = bool(signals["code/weights_loaded"]) and len(changes) == 1
    return Finding(
        rule="training_in_eval_mode",
        severity=Severity.WARNING if meant else Severity.ERROR,
        title="The network is trained in eval mode: dropout and batch normalisation do not work as in training.",
        evidence={"steps_in_eval_mode": steps.last - changes.steps[-1], "steps_in_eval_mode_limit": _FEWEST_STEPS},
        where=line_of(signals, "forward"),
        step=changes.steps[-1],
        explains=SYMPTOMS,
    )


def evaluation_in_train_mode(signals: Signals, facts: Facts) -> Finding | None:
    """The network is evaluated in train mode, though it has dropout or batch normalisation.

    *Why it matters*: its answers are noisy, depend on the other examples of the batch, and the statistics of batch
    normalisation learn from the validation data.
    *Known problems*: dropout that is left on to estimate uncertainty looks the same. Networks that play against each
    other are not judged.
    *Cure*: call `model.eval()` before evaluating, and `model.train()` after it.

    Reads: code/evaluation_in_train_mode, code/line/*

    ok: code/evaluation_in_train_mode = 0 0
    bad: code/evaluation_in_train_mode = 1
    """
    series = signals["code/evaluation_in_train_mode"]
    bad = [step for step, value in series if value > 0]
    if len(bad) * 2 <= len(series):
        return None
    return Finding(
        rule="evaluation_in_train_mode",
        severity=Severity.ERROR,
        title="The network is evaluated in train mode: dropout and batch normalisation disturb its answers.",
        evidence={"evaluations_in_train_mode": float(len(bad)), "evaluations_in_train_mode_limit": 0.0},
        where=line_of(signals, "evaluation"),
        step=bad[0],
        explains=("validation_at_chance", "overfitting"),
    )


def batch_norm_not_updated(signals: Signals, facts: Facts) -> Finding | None:
    """Batch normalisation has trained on many batches, and its running statistics are still exactly 0 and 1.

    *Why it matters*: in eval mode the layer normalises with these, and not with those of the data: the network then
    answers otherwise than it was trained to.
    *Known problems*: statistics that are gathered in a pass of their own after training.
    *Cure*: leave the layer's `momentum` at 0.1; 0 keeps what is there, and `None` averages over all batches.

    Reads: code/statistics_unchanged/*

    ok: code/statistics_unchanged/body.1 = 16
    bad: code/statistics_unchanged/body.1 = 16 24 32
    """
    layers = persistent_under(signals, "code/statistics_unchanged", 2)
    if not layers:
        return None
    where = tuple(layers)
    return Finding(
        rule="batch_norm_not_updated",
        severity=Severity.ERROR,
        title=f"{where[0]} has gathered no statistics for eval mode: they are still the 0 and 1 it began with.",
        evidence={"batches": layers[where[0]], "running_mean": 0.0, "running_variance": 1.0},
        where=where,
        step=signals[f"code/statistics_unchanged/{where[0]}"].steps[0],
        explains=("validation_at_chance", "overfitting"),
    )
