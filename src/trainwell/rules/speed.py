"""Rules on where the time goes."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals

_SHARE = 0.5
_NOTICEABLE_SECONDS = 1e-3  # Below a millisecond it is the loop's own cost, which no reader of data can save.
_READINGS = 10
# A step of a small network costs about a millisecond whatever the batch (docs/benchmarks.md, the loop).
_TINY_BATCH = 8
_SHORT_SECONDS = 5e-3


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


def waits_for_data(signals: Signals, facts: Facts) -> Finding | None:
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
        rule="waits_for_data",
        severity=Severity.INFO,
        title=f"{wait / step:.0%} of each step is spent waiting for data.",
        evidence={"data_fraction": wait / step, "data_fraction_limit": _SHARE},
        remedies=("more_workers",),
    )
