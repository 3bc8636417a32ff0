"""Rules on speed: what takes the time of a step."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.layers import worst_first

_READINGS = 10
# docs/references.md, T45: a step of a small network takes about a millisecond whatever its batch size.
_TINY_BATCH = 8
_SHORT_SECONDS = 5e-3
# docs/references.md, T46: below a millisecond it is the cost of the loop itself, which no data loader can save.
_SHARE = 0.5
_NOTICEABLE_SECONDS = 1e-3
# docs/references.md, T47: in a long step the few milliseconds of queueing kernels do not count.
_SYNC_READINGS = 3
_EVERY_STEP = 0.9
_LONG_SECONDS = 0.05


def batches_too_small(signals: Signals, facts: Facts) -> Finding | None:
    """Batch size too small for the hardware: steps are short, and most of their time is overhead.

    *Why it matters*: a step with eight times as many examples would take about the same time.
    *Known problems*: small batches can generalise better, and long examples count for many, so this is a hint only.

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
        title=f"Batch size {facts.batch_size} wastes time: a step takes {step * 1e3:.1f} ms, most of it overhead, so a "
        "larger batch would take about as long.",
        evidence={"batch_size": facts.batch_size, "batch_size_limit": _TINY_BATCH, "step_seconds": step},
    )


def host_syncs(signals: Signals, facts: Facts) -> Finding | None:
    """Device synchronisation in every step: a line of the loop waits for the accelerator.

    *Why it matters*: `loss.item()`, `x.cpu()`, `float(x)`, `if x > 0:` and `print(x)` wait until all queued kernels
    are done; until the next kernels are queued the device idles.
    *Known problems*: it costs the time of queueing a step, some milliseconds, so long steps are not judged and this is
    a hint. Lines in libraries are not counted, nor anything on a CPU.
    *Repair*: accumulate on the device, `total += loss.detach()`, and call `total.item()` every hundred steps.

    Reads: code/waits/*, time/step_seconds

    ok: code/waits/train.py:12 = 0.01*9; time/step_seconds = 0.002*12
    ok: code/waits/train.py:12 = 1*9; time/step_seconds = 0.2*12
    hint: code/waits/train.py:12 = 1*9; time/step_seconds = 0.002*12
    """
    steps = signals["time/step_seconds"]
    lines: dict[str, float] = {}
    for line, shares in signals.under("code/waits").items():
        newest = shares.tail(_SYNC_READINGS)
        if len(newest) == _SYNC_READINGS and min(newest) >= _EVERY_STEP:
            lines[line] = min(newest)
    if not lines or not steps:
        return None
    step = statistics.median(steps.values)
    if step > _LONG_SECONDS:
        return None
    where = worst_first(lines)
    return Finding(
        rule="host_syncs",
        severity=Severity.INFO,
        title=f"Device synchronisation in every step: {where[0]} reads a value from the accelerator and waits for it.",
        evidence={"share_of_steps": lines[where[0]], "share_of_steps_limit": _EVERY_STEP, "step_seconds": step},
        where=where,
    )


def data_loading_bottleneck(signals: Signals, facts: Facts) -> Finding | None:
    """Data loading is the bottleneck: over half of each step is spent waiting for the next batch.

    *Why it matters*: the device idles; more data-loader workers or data kept in memory make the run up to twice as
    fast.
    *Known problems*: on a CPU, data loading and training share the same cores.

    Reads: time/step_seconds, time/data_seconds

    ok: time/step_seconds = 0.02*12; time/data_seconds = 0.001*12
    ok: time/step_seconds = 0.0004*12; time/data_seconds = 0.0003*12
    hint: time/step_seconds = 0.02*12; time/data_seconds = 0.015*12
    """
    steps = signals["time/step_seconds"]
    waits = signals["time/data_seconds"]
    if len(steps) < _READINGS or len(waits) < _READINGS:
        return None
    step = statistics.median(steps.values)
    wait = statistics.median(waits.values)
    if not step > 0 or wait <= _SHARE * step or wait < _NOTICEABLE_SECONDS:
        return None
    return Finding(
        rule="data_loading_bottleneck",
        severity=Severity.INFO,
        title=f"Data loading is the bottleneck: {wait / step:.0%} of each step is spent waiting for data "
        f"(limit {_SHARE:.0%}).",
        evidence={"data_fraction": wait / step, "data_fraction_limit": _SHARE},
        remedies=("more_workers",),
    )
