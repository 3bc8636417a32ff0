"""Rules on where the time goes."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals

_SHARE = 0.5
_NOTICEABLE_SECONDS = 1e-3  # Below a millisecond it is the loop's own cost, which no reader of data can save.
_READINGS = 10


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
