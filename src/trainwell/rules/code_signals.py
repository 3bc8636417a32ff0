"""What rules about code share: the user's lines, readings that repeat, and the symptoms a fault in code has."""

from __future__ import annotations

from trainwell.core.signals import Signals

SYMPTOMS = (
    "symmetric_weights",
    "activation_scale",
    "initial_loss_far_from_chance",
    "learning_rate_too_high",
    "dead_units",
    "saturated_activations",
    "vanishing_gradients",
    "exploding_gradients",
    "learning_rate_too_low",
    "constant_outputs",
    "parameters_not_updated",
    "loss_diverges",
    "loss_not_finite",
    "no_better_than_chance",
    "validation_at_chance",
    "overfitting",
    "underfitting",
    "stopped_too_soon",
)
"""A fault in the code is a hard fact: whatever else goes wrong follows from it."""


def line_of(signals: Signals, *events: str) -> tuple[str, ...]:
    """Return the user's line at which the first known of some events happens, as a place for a finding.

    >>> signals = Signals()
    >>> signals.add("code/line/backward/src/train.py", 0, 57.0)
    >>> line_of(signals, "loss", "backward"), line_of(signals, "step")
    (('src/train.py:57',), ())
    """
    for event in events:
        for file, line in signals.under(f"code/line/{event}").items():
            return (f"{file}:{line.last:.0f}",)
    return ()


def persists(signals: Signals, name: str, readings: int) -> float | None:
    """Return the newest value of a series if its last few readings were all above 0, else None.

    >>> signals = Signals()
    >>> for value in (0.0, 1.0, 2.0): signals.add("code/x", 0, value)
    >>> persists(signals, "code/x", 2), persists(signals, "code/x", 3)
    (2.0, None)
    """
    newest = signals[name].tail(readings)
    return newest[-1] if len(newest) == readings and all(value > 0 for value in newest) else None


def since(signals: Signals, name: str) -> int:
    """Return the first step of the last unbroken stretch of readings above 0.

    >>> signals = Signals()
    >>> for step, value in enumerate((1.0, 0.0, 2.0, 3.0)): signals.add("code/x", step, value)
    >>> since(signals, "code/x")
    2
    """
    first = 0
    for step, value in reversed(list(signals[name])):
        if not value > 0:
            break
        first = step
    return first


def persistent_under(signals: Signals, path: str, readings: int) -> dict[str, float]:
    """Return, largest first, the series below a path that persist, with their newest values."""
    found = {name: persists(signals, f"{path}/{name}", readings) for name in signals.under(path)}
    kept = {name: value for name, value in found.items() if value is not None}
    return dict(sorted(kept.items(), key=lambda item: -item[1]))
