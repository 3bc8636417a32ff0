"""Plain data that fits into JSON and is safe to show."""

from __future__ import annotations

import math
from typing import Any

from trainwell.core.errors import TrainwellError
from trainwell.core.files import plain

UNREADABLE = (TrainwellError, ValueError, TypeError, KeyError, AttributeError)
"""What reading a store that is damaged, foreign or of another version may raise."""


def finite(value: float | None) -> float | None:
    """Return a number JSON can hold, or None.

    >>> finite(float("nan")), finite(0.5)
    (None, 0.5)
    """
    return value if value is not None and math.isfinite(value) else None


def clean(value: Any) -> Any:
    """Return plain data without what JSON cannot hold (NaN, infinity) and without control characters.

    >>> clean({"a": [float("inf"), "x" + chr(27)]})
    {'a': [None, 'x']}
    """
    if isinstance(value, dict):
        return {plain(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, str):
        return plain(value)
    return finite(value) if isinstance(value, float) else value
