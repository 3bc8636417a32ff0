"""Rules on where the time goes."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.layers import worst_first

_SHARE = 0.5
_NOTICEABLE_SECONDS = 1e-3  # Below a millisecond it is the loop's own cost, which no reader of data can save.
_READINGS = 10
# A step of a small network costs about a millisecond whatever the batch (docs/benchmarks.md, the loop).
_TINY_BATCH = 8
_SHORT_SECONDS = 5e-3
_WAITING_READINGS = 3
_EVERY_STEP = 0.9
_LONG_SECONDS = 0.05  # Beside it the few milliseconds that ordering a step takes do not count.


def batches_too_small(signals: Signals, facts: Facts) -> Finding | None:
    """Steps are short and their batches tiny, so that nearly all of a step is its own cost and not learning.

    *Why it matters*: eight times as many examples in a step would take about the same time.
    *Known problems*: small batches can generalise better, and long examples count for many; so this is a hint only.

    Reads: time/step_seconds

    ok: time/step_seconds = 0.002*12; batch_size = 64
    ok: time/step_seconds = 0.2*12; batch_size = 4
    hint: time/step_seconds = 0.002*12; batch_size = 4
    """
    steps = signals["time/step_seconds"]
    if len(steps) < _READINGS or not 0 < facts.batch_size <= _TINY_BATCH:
        return None
    step = statistics.median(steps.values)
    if step > _SHORT_SECONDS:
        return None
    return Finding(
        rule="batches_too_small",
        severity=Severity.INFO,
        title=f"A step of {step * 1e3:.1f} ms learns from {facts.batch_size} examples; more would cost hardly more.",
        evidence={"batch_size": facts.batch_size, "batch_size_limit": _TINY_BATCH, "step_seconds": step},
    )


def host_syncs(signals: Signals, facts: Facts) -> Finding | None:
    """In every step the processor waits for the accelerator, because a line asks for a number that is there.

    *Why it matters*: `loss.item()`, `x.cpu()`, `float(x)`, `if x > 0:` and `print(x)` wait until all that was ordered
    is done; until the next orders arrive the device idles.
    *Known problems*: it costs what it takes to order a step, some milliseconds, so that long steps are not judged and
    this is a hint. Lines in libraries are not counted, nor anything where the network lies on the processor.
    *Cure*: add up on the device, `total += loss.detach()`, and ask for `total.item()` every hundred steps.

    Reads: code/waits/*, time/step_seconds

    ok: code/waits/train.py:12 = 0.01*9; time/step_seconds = 0.002*12
    ok: code/waits/train.py:12 = 1*9; time/step_seconds = 0.2*12
    hint: code/waits/train.py:12 = 1*9; time/step_seconds = 0.002*12
    """
    steps = signals["time/step_seconds"]
    always = {
        line: min(tail)
        for line, shares in signals.under("code/waits").items()
        if len(tail := shares.tail(_WAITING_READINGS)) == _WAITING_READINGS and min(tail) >= _EVERY_STEP
    }
    if not always or not steps or (step := statistics.median(steps.values)) > _LONG_SECONDS:
        return None
    where = worst_first(always)
    return Finding(
        rule="host_syncs",
        severity=Severity.INFO,
        title=f"Every step waits for the accelerator, at {where[0]}: a line there asks for a number that lies on it.",
        evidence={"share_of_steps": always[where[0]], "share_of_steps_limit": _EVERY_STEP, "step_seconds": step},
        where=where,
    )


def data_loading_bottleneck(signals: Signals, facts: Facts) -> Finding | None:
    """More than half of each step is spent waiting for the next batch.

    *Why it matters*: the processor idles; more reading threads or data kept in memory make the run twice as fast.
    *Known problems*: on the processor reading and computing share the same cores.

    Reads: time/step_seconds, time/data_seconds

    ok: time/step_seconds = 0.02*12; time/data_seconds = 0.001*12
    ok: time/step_seconds = 0.0004*12; time/data_seconds = 0.0003*12
    hint: time/step_seconds = 0.02*12; time/data_seconds = 0.015*12
    """
    steps, waits = signals["time/step_seconds"], signals["time/data_seconds"]
    if len(steps) < _READINGS or len(waits) < _READINGS:
        return None
    step, wait = statistics.median(steps.values), statistics.median(waits.values)
    if wait <= _SHARE * step or wait < _NOTICEABLE_SECONDS:
        return None
    return Finding(
        rule="data_loading_bottleneck",
        severity=Severity.INFO,
        title=f"{wait / step:.0%} of each step is spent waiting for data.",
        evidence={"data_fraction": wait / step, "data_fraction_limit": _SHARE},
        remedies=("more_workers",),
    )
