"""Lines of the user's code, as the location of a finding."""

from __future__ import annotations

from trainwell.core.signals import Signals


def line_of(signals: Signals, *events: str) -> tuple[str, ...]:
    """Return the user's line at which the first known one of some events happens, as a finding's location.

    >>> signals = Signals()
    >>> signals.add("code/line/backward/src/train.py", 0, value=57.0)
    >>> line_of(signals, "loss", "backward"), line_of(signals, "step")
    (('src/train.py:57',), ())
    """
    for event in events:
        for file, line in signals.under(f"code/line/{event}").items():
            return (f"{file}:{line.last:.0f}",)
    return ()
