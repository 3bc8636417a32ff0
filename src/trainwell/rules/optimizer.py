"""Rules on the order of zero_grad, backward and step."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persists, since

_READINGS = 3  # docs/references.md, T26: a fault in the code is there at every step; three exclude a special first one.
# docs/references.md, T27.
_FEWEST_BACKWARDS = 10
_MOST_ACCUMULATED = 100


def missing_zero_grad(signals: Signals, facts: Facts) -> Finding | None:
    """Gradients accumulate: `zero_grad()` is never called.

    *Why it matters*: every step follows the sum of all gradients so far, a momentum that never decays.
    *Known problems*: none known. Gradients accumulated over several batches are reset after the step.
    *Repair*: call `optimizer.zero_grad()` before each `loss.backward()`.

    Reads: code/gradient_before_backward, code/gradient_after_backward, code/line/*

    ok: code/gradient_before_backward = 0 0 0 0
    bad: code/gradient_before_backward = 1.2 2.9 4.1; code/gradient_after_backward = 2.9 4.1 5.0
    """
    left = persists(signals, "code/gradient_before_backward", readings=_READINGS)
    if left is None:
        return None
    return Finding(
        rule="missing_zero_grad",
        severity=Severity.ERROR,
        title=f"Gradients accumulate: zero_grad() is never called, so a gradient of norm {left:.3g} from earlier steps "
        "is left before backward() (limit 0).",
        evidence={"gradient_before_backward": left, "gradient_before_backward_limit": 0.0},
        where=line_of(signals, "backward", "step"),
        step=since(signals, "code/gradient_before_backward"),
        explains=CONSEQUENCES,
    )


def zero_grad_before_step(signals: Signals, facts: Facts) -> Finding | None:
    """`zero_grad()` is called between `backward()` and `step()`, so every step uses a zero gradient.

    *Why it matters*: the gradient is erased before it is used, so nothing is learned.
    *Known problems*: none known.
    *Repair*: keep the order `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`.

    Reads: code/gradient_after_backward, grad/norm, code/line/*

    ok: code/gradient_after_backward = 1 1 1; grad/norm = 1 1 1
    ok: code/gradient_after_backward = 0 0 0; grad/norm = 0 0 0
    bad: code/gradient_after_backward = 1 1 1; grad/norm = 0 0 0
    """
    after_backward = persists(signals, "code/gradient_after_backward", readings=_READINGS)
    at_step = signals["grad/norm"].tail(_READINGS)
    if after_backward is None or len(at_step) < _READINGS or any(at_step):
        return None
    return Finding(
        rule="zero_grad_before_step",
        severity=Severity.ERROR,
        title=f"zero_grad() is called between backward() and step(): the gradient norm is {after_backward:.3g} after "
        "backward() and 0 at step(), so no weight changes.",
        evidence={"gradient_when_stepping": 0.0, "gradient_after_backward": after_backward},
        where=line_of(signals, "step"),
        step=max((step for step, size in signals["grad/norm"] if size), default=0),
        explains=("gradient_missing", *CONSEQUENCES),
    )


def step_never_called(signals: Signals, facts: Facts) -> Finding | None:
    """`optimizer.step()` is never called: gradients are computed and not used.

    *Why it matters*: the weights stay as they were initialised.
    *Known problems*: scripts that only inspect gradients create no optimizer, and are not judged.
    *Repair*: call `optimizer.step()` after `loss.backward()`.

    Reads: code/step_calls, code/backward_calls, code/idle_optimizers, code/line/*

    ok: code/step_calls = 30; code/backward_calls = 120; code/idle_optimizers = 0
    ok: code/step_calls = 0; code/backward_calls = 64; code/idle_optimizers = 1
    bad: code/step_calls = 0; code/backward_calls = 120; code/idle_optimizers = 1
    bad: code/step_calls = 0; code/backward_calls = 20; code/idle_optimizers = 1; steps = 20
    """
    steps = signals["code/step_calls"]
    backwards = signals["code/backward_calls"]
    idle = signals["code/idle_optimizers"]
    if not steps or not backwards or not idle or steps.last > 0 or not idle.last:
        return None
    # While the script runs, the first step may still follow a long accumulation.
    limit = _FEWEST_BACKWARDS if facts.steps else _MOST_ACCUMULATED
    if backwards.last < limit:
        return None
    return Finding(
        rule="step_never_called",
        severity=Severity.ERROR,
        title=f"optimizer.step() is never called: {backwards.last:.0f} backward passes (limit {limit}) and no step, so "
        "no weight changes.",
        evidence={"backward_calls": backwards.last, "backward_calls_limit": limit, "step_calls": 0.0},
        where=line_of(signals, "backward"),
        step=0,
        explains=CONSEQUENCES,
    )
