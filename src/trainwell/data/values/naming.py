"""Names of examples in messages: safe to print, and limited to a few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from trainwell.core.files import plain
from trainwell.data.values.missing import Array


def listing(names: Sequence[str], chosen: Array, *, most: int = 5) -> str:
    """Name the first few of the chosen examples and count the others.

    Args:
        names: a name for each example.
        chosen: (examples,) bool.
        most: maximum number of names.

    >>> listing(["line 2", "line 3", "line 4"], np.array([True, False, True]), most=1)
    'line 2 and 1 more (2 of 3)'
    """
    found = np.flatnonzero(chosen)
    return f"{shorten((names[i] for i in found[:most]), len(found))} ({len(found):,} of {len(names):,})"


def shorten(names: Iterable[str], total: int, *, most: int = 5) -> str:
    """Join the first few names, safe to print, and say how many more there are.

    >>> shorten(["a", "b", "c"], 3, most=2)
    'a, b and 1 more'
    """
    few = [plain(name) for name in islice(names, most)]
    return ", ".join(few) + (f" and {total - len(few):,} more" if total > len(few) else "")


def numbered(prefix: str, count: int) -> tuple[str, ...]:
    """Name examples by their number, from 0.

    >>> numbered("row", 2)
    ('row 0', 'row 1')
    """
    return tuple(f"{prefix} {number}" for number in range(count))


def class_name(value: object) -> str:
    """Write a value as the name of a class or category; whole numbers without a decimal point.

    >>> class_name(3.0), class_name(True), class_name("cat")
    ('3', 'True', 'cat')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
