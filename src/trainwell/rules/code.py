"""Rules on the user's code: gradients, graphs and optimizers that are wired up wrongly."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS, line_of, persistent_under, persists, since
from trainwell.rules.layers import median_over_layers, of_weights

_READINGS = 3  # A fault of the code is there at every step; three readings exclude a special first one.
_FEWEST_BACKWARDS = 10  # Diagnosis T3.
_MOST_ACCUMULATED = 100  # Nobody accumulates gradients over so many batches before the first step.
_LITTLE = 0.01  # Diagnosis P10: parts below a hundredth of the network are a hint only.
_STALE = 0.5
_RAN_AWAY = 100.0  # A loss that has grown so much breaks in whatever operation overflows first.


def missing_zero_grad(signals: Signals, facts: Facts) -> Finding | None:
    """Gradients of earlier steps are still there when a new one is added.

    *Why it matters*: every step then follows the sum of all gradients so far, a momentum that never fades.
    *Known problems*: none known; gradients that are gathered over several batches are reset after the step.
    *Cure*: call `optimizer.zero_grad()` before each `loss.backward()`.

    Reads: code/gradient_before_backward, code/gradient_after_backward, code/line/*

    ok: code/gradient_before_backward = 0 0 0 0
    bad: code/gradient_before_backward = 1.2 2.9 4.1; code/gradient_after_backward = 2.9 4.1 5.0
    """
    left = persists(signals, "code/gradient_before_backward", _READINGS)
    if left is None:
        return None
    return Finding(
        rule="missing_zero_grad",
        severity=Severity.ERROR,
        title="Gradients pile up: those of earlier steps are never reset.",
        evidence={"gradient_before_backward": left, "gradient_before_backward_limit": 0.0},
        where=line_of(signals, "backward", "step"),
        step=since(signals, "code/gradient_before_backward"),
        explains=SYMPTOMS,
    )


def zero_grad_before_step(signals: Signals, facts: Facts) -> Finding | None:
    """The optimizer steps when the gradient has just been reset.

    *Why it matters*: every step is made of nothing, so nothing is learned.
    *Known problems*: none known.
    *Cure*: keep the order `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`.

    Reads: code/gradient_after_backward, grad/norm, code/line/*

    ok: code/gradient_after_backward = 1 1 1; grad/norm = 1 1 1
    ok: code/gradient_after_backward = 0 0 0; grad/norm = 0 0 0
    bad: code/gradient_after_backward = 1 1 1; grad/norm = 0 0 0
    """
    was, left = persists(signals, "code/gradient_after_backward", _READINGS), signals["grad/norm"].tail(_READINGS)
    if was is None or len(left) < _READINGS or any(left):
        return None
    return Finding(
        rule="zero_grad_before_step",
        severity=Severity.ERROR,
        title="The gradient is reset between backward() and step(), so that each step is made of nothing.",
        evidence={"gradient_when_stepping": 0.0, "gradient_after_backward": was},
        where=line_of(signals, "step"),
        step=max((step for step, size in signals["grad/norm"] if size), default=0),
        explains=("gradient_missing", *SYMPTOMS),
    )


def step_never_called(signals: Signals, facts: Facts) -> Finding | None:
    """Gradients are computed, but no optimizer makes a step.

    *Why it matters*: the weights stay what they were.
    *Known problems*: scripts that only look at gradients make no optimizer, and are not judged.
    *Cure*: call `optimizer.step()` after `loss.backward()`.

    Reads: code/step_calls, code/backward_calls, code/idle_optimizers, code/line/*

    ok: code/step_calls = 30; code/backward_calls = 120; code/idle_optimizers = 0
    ok: code/step_calls = 0; code/backward_calls = 64; code/idle_optimizers = 1
    bad: code/step_calls = 0; code/backward_calls = 120; code/idle_optimizers = 1
    bad: code/step_calls = 0; code/backward_calls = 20; code/idle_optimizers = 1; steps = 20
    """
    steps, backwards, idle = signals["code/step_calls"], signals["code/backward_calls"], signals["code/idle_optimizers"]
    limit = _FEWEST_BACKWARDS if facts.steps else _MOST_ACCUMULATED
    if not steps or not backwards or not idle or steps.last > 0 or not idle.last or backwards.last < limit:
        return None
    return Finding(
        rule="step_never_called",
        severity=Severity.ERROR,
        title="The optimizer never steps: gradients are computed and not used.",
        evidence={"backward_calls": backwards.last, "backward_calls_limit": limit, "step_calls": 0.0},
        where=line_of(signals, "backward"),
        step=0,
        explains=SYMPTOMS,
    )


def stale_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """The optimizer holds parameters that are not those of the network that is called.

    *Why it matters*: it moves tensors that nobody uses. This happens when the network is made anew, or replaced by a
    copy, after the optimizer was made.
    *Known problems*: none known.
    *Cure*: make the optimizer after the network is final: `optimizer = type(optimizer)(model.parameters(), ...)`.

    Reads: code/stale_fraction, code/line/*

    ok: code/stale_fraction = 0 0 0
    bad: code/stale_fraction = 1 1 1
    """
    stale = persists(signals, "code/stale_fraction", _READINGS)
    if stale is None or stale < _STALE:
        return None
    return Finding(
        rule="stale_optimizer",
        severity=Severity.ERROR,
        title="The optimizer holds parameters of another network than the one that is trained.",
        evidence={"stale_fraction": stale, "stale_fraction_limit": _STALE},
        where=line_of(signals, "optimizer", "step"),
        step=0,
        explains=("parameters_not_in_optimizer", *SYMPTOMS),
    )


def parameters_not_in_optimizer(signals: Signals, facts: Facts) -> Finding | None:
    """Parameters receive a gradient, but no optimizer was given them.

    *Why it matters*: they keep their random first values, and computing their gradient is wasted.
    *Known problems*: a pretrained part that is kept as it is on purpose; freeze it and it also trains faster. Where
    weights were loaded, and where less than a hundredth of the network is concerned, it is a hint.
    *Cure*: give the optimizer `model.parameters()`, or freeze what shall stay: `part.requires_grad_(False)`.

    Reads: code/parameters_not_in_optimizer/*, code/weights_loaded, code/line/*

    ok: code/parameters_not_in_optimizer/fc1.weight = 0.4 0 0
    hint: code/parameters_not_in_optimizer/fc1.weight = 0.4 0.4 0.4; code/weights_loaded = 1
    bad: code/parameters_not_in_optimizer/fc1.weight = 0.4 0.4 0.4
    """
    return _left_out(
        signals,
        "parameters_not_in_optimizer",
        severity=Severity.INFO if signals["code/weights_loaded"] else Severity.ERROR,
        title="{} gets a gradient, but no optimizer holds it.",
        line=line_of(signals, "optimizer"),
    )


def gradient_missing(signals: Signals, facts: Facts) -> Finding | None:
    """Layers run and are in the optimizer, but no gradient reaches them.

    *Why it matters*: the way back from the loss is cut (`detach()`, `no_grad`, `.data`, numpy, `argmax`), so they never
    learn.
    *Known problems*: a head whose answer the loss leaves out; less than a hundredth of the network is a hint only.
    *Cure*: keep tensors all the way: no `.detach()`, `.data`, `.numpy()` or `torch.no_grad()` between layer and loss.

    Reads: code/gradient_missing/*, code/line/*

    ok: code/gradient_missing/pooler.weight = 0.4 0 0.4
    hint: code/gradient_missing/pooler.weight = 0.004 0.004 0.004
    bad: code/gradient_missing/fc1.weight = 0.4 0.4 0.4
    """
    title = "{} runs, but no gradient reaches it."
    return _left_out(
        signals, "gradient_missing", severity=Severity.ERROR, title=title, line=line_of(signals, "forward")
    )


def frozen_untrained(signals: Signals, facts: Facts) -> Finding | None:
    """Layers are frozen with the random weights they began with.

    *Why it matters*: freezing keeps what a layer has learned, and these have learned nothing.
    *Known problems*: random projections that are meant.
    *Cure*: load pretrained weights before freezing, or let the layers learn: `layer.requires_grad_(True)`.

    Reads: code/frozen_untrained/*

    ok: code/frozen_untrained/fc1 = 0.004
    bad: code/frozen_untrained/fc1 = 0.4
    """
    frozen = persistent_under(signals, "code/frozen_untrained", 1)
    if sum(frozen.values()) <= _LITTLE:
        return None
    where = tuple(frozen)
    return Finding(
        rule="frozen_untrained",
        severity=Severity.WARNING,
        title=f"{where[0]} is frozen, but its weights are still the random ones it began with.",
        evidence={"parameter_fraction": sum(frozen.values()), "parameter_fraction_limit": _LITTLE},
        where=where,
        step=0,
        explains=SYMPTOMS,
    )


def detached_loss(signals: Signals, facts: Facts) -> Finding | None:
    """The loss is connected to no parameter.

    *Why it matters*: there is nothing to learn from: PyTorch refuses the backward pass, or it reaches nothing.
    *Known problems*: none known.
    *Cure*: compute the loss from the network's answer itself, outside `torch.no_grad()`, without `.item()`,
    `.detach()`, `.numpy()`, `.argmax()` or `torch.tensor(...)`.

    Reads: code/error/no_gradient, code/loss_without_graph, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/no_gradient = 1
    bad: code/loss_without_graph = 1 1 1
    """
    if "code/error/no_gradient" not in signals and not persists(signals, "code/loss_without_graph", _READINGS):
        return None
    title = "The loss is connected to no parameter: the way back is cut, or everything is frozen."
    explains, where = ("gradient_missing", *SYMPTOMS), line_of(signals, "error", "backward")
    return Finding("detached_loss", Severity.ERROR, title, where=where, explains=explains)


def graph_used_twice(signals: Signals, facts: Facts) -> Finding | None:
    """The loss reaches back into a batch whose graph is gone.

    *Why it matters*: something is carried over from step to step, and PyTorch refuses to go back through it again.
    *Known problems*: none known.
    *Cure*: detach a hidden state between batches, `state = state.detach()`; call `backward()` once for each loss.

    Reads: code/error/freed_graph, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/freed_graph = 1
    """
    title = "The loss reaches back into a batch whose graph is gone: something is carried over between steps."
    return _refused(signals, "graph_used_twice", "freed_graph", title)


def inplace_modification(signals: Signals, facts: Facts) -> Finding | None:
    """A tensor that the backward pass needs was changed in place.

    *Why it matters*: its gradient can no longer be computed, and PyTorch refuses.
    *Known problems*: none known.
    *Cure*: write `x = x + y` for `x += y`, and `nn.ReLU()` for `nn.ReLU(inplace=True)`, where `x` is used again.

    Reads: code/error/overwritten, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/overwritten = 1
    """
    title = "A tensor that the backward pass needs was changed in place."
    return _refused(signals, "inplace_modification", "overwritten", title)


def nonfinite_operation(signals: Signals, facts: Facts) -> Finding | None:
    """The first number that is not finite came out of a certain operation.

    *Why it matters*: NaN and infinity spread to everything that is computed from them; only their origin can be mended.
    *Known problems*: none known; weights that an earlier step already broke, and losses that ran away before, are left
    to the rules on rates.
    *Cure*: keep the operation in its domain: `torch.log(x.clamp(min=1e-8))`, `x / (y + 1e-8)`, `log_softmax` for
    `log(softmax)`; leave out examples that are not finite.

    Reads: code/nonfinite/*, loss/train, update/ratio/*, code/line/*

    ok: code/nonfinite/weights = 1
    ok: code/nonfinite/exp after head = 0 0.2; loss/train = 2.3; update/ratio/head.weight = 4
    ok: code/nonfinite/mul after head = 0.1; loss/train = 2.3 900 8e20
    ok: code/nonfinite/mse loss after head = 1; loss/train = 4e8; chance_loss = 1.0
    bad: code/nonfinite/log after head = 0.1
    """
    origins = [name for name in signals.under("code/nonfinite") if name != "weights"]
    losses = [value for value in signals["loss/train"].values if math.isfinite(value)]
    usual = min((abs(loss) for loss in (*losses[:1], facts.chance_loss or math.inf)), default=math.inf)
    ran_away = bool(losses) and losses[-1] > _RAN_AWAY * usual
    if not origins or ran_away:
        return None
    began = next((step for step, share in signals[f"code/nonfinite/{origins[0]}"] if share), 0)
    moved = median_over_layers(of_weights(signals.under("update/ratio")))
    if any(ratio > 1 for step, ratio in moved if step < began):  # weights thrown beyond their own size before
        return None
    return Finding(
        rule="nonfinite_operation",
        severity=Severity.ERROR,
        title=f"The operation {origins[0]} gives NaN or infinity.",
        evidence={"nonfinite_fraction": signals[f"code/nonfinite/{origins[0]}"].last, "nonfinite_fraction_limit": 0.0},
        where=(*origins, *line_of(signals, "backward")),
        step=began,
        explains=tuple(name for name in SYMPTOMS if name != "symmetric_weights"),
    )


def _refused(signals: Signals, rule: str, error: str, title: str) -> Finding | None:
    """Make a finding of an error with which PyTorch has refused to go on."""
    if f"code/error/{error}" not in signals:
        return None
    return Finding(rule, Severity.ERROR, title, where=line_of(signals, "error", "backward"), explains=SYMPTOMS)


def _left_out(signals: Signals, kind: str, *, severity: Severity, title: str, line: tuple[str, ...]) -> Finding | None:
    """Make a finding of parameters that are left out at every reading, as a share of the whole network."""
    found = persistent_under(signals, f"code/{kind}", _READINGS)
    if not found:
        return None
    share = sum(found.values())
    severity = severity if share > _LITTLE else Severity.INFO
    return Finding(
        rule=kind,
        severity=severity,
        title=title.format(next(iter(found))),
        evidence={"parameter_fraction": share, "parameter_fraction_limit": _LITTLE},
        where=(*found, *line),
        step=0,
        explains=SYMPTOMS,
    )
