"""Readings that persist: a fault in the code shows at every reading, a coincidence at one."""

from __future__ import annotations

from trainwell.core.signals import Signals


def persists(signals: Signals, name: str, *, readings: int) -> float | None:
    """Return the newest value of a series if its last few readings were all above 0, else None.

    >>> signals = Signals()
    >>> for value in (0.0, 1.0, 2.0):
    ...     signals.add("code/x", 0, value=value)
    >>> persists(signals, "code/x", readings=2), persists(signals, "code/x", readings=3)
    (2.0, None)
    """
    newest = signals[name].tail(readings)
    if len(newest) == readings and all(value > 0 for value in newest):
        return newest[-1]
    return None


def since(signals: Signals, name: str) -> int:
    """Return the first step of the last unbroken stretch of readings above 0.

    >>> signals = Signals()
    >>> for step, value in enumerate((1.0, 0.0, 2.0, 3.0)):
    ...     signals.add("code/x", step, value=value)
    >>> since(signals, "code/x")
    2
    """
    first = 0
    for step, value in reversed(list(signals[name])):
        if not value > 0:
            break
        first = step
    return first


def persistent_under(signals: Signals, path: str, *, readings: int) -> dict[str, float]:
    """Return, largest first, the series below a path that persist, with their newest values."""
    found = {name: persists(signals, f"{path}/{name}", readings=readings) for name in signals.under(path)}
    kept = {name: value for name, value in found.items() if value is not None}
    return dict(sorted(kept.items(), key=lambda item: -item[1]))
