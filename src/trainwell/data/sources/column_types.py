"""Types of the columns of a table: numbers, text, missing values, decimal commas; detection of a header."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence, Set

import numpy as np

from trainwell.core.files import plain
from trainwell.data.values.missing import Array, missing
from trainwell.data.values.naming import listing, shorten

MISSING = frozenset(("", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"))
_SAMPLE = 100  # rows read to detect the header
_FEWEST_NUMBERED = 4  # columns called 0, 1, 2, 3 are a header; 0, 1, 2 may be a row of data
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def replace_decimal_commas(rows: list[list[str]], texts: Set[str], *, thousands: bool) -> list[str]:
    """Replace decimal commas by points in columns of numbers, and return remarks.

    Args:
        rows: changed in place; the first may be a header.
        texts: columns that stay as they are.
        thousands: whether a comma before three digits may separate thousands; a column of such cells stays as it is.
    """
    said = []
    for place, (first, *cells) in enumerate(zip(*rows, strict=True)):
        cells += [first] if _DECIMAL_COMMA.fullmatch(first) else []
        commas = [cell for cell in dict.fromkeys(cells) if _DECIMAL_COMMA.fullmatch(cell)]
        others = set(cells).difference(commas)
        if not commas or texts & {first, f"x{place}"} or (thousands and all(map(_THOUSANDS.fullmatch, commas))):
            continue
        if any("." in cell or number_in(cell) is None for cell in others):
            continue
        for row in rows:
            if _DECIMAL_COMMA.fullmatch(row[place]):
                row[place] = row[place].replace(",", ".")
        said.append(f"{plain(commas[0])!r} in column {place} (counted from 0)")
    return [f"Commas are decimal points: {shorten(said, len(said), most=1)}."] if said else []


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns.

    It does if one of its cells is text above a column of numbers, or if it counts the columns (0, 1, 2, 3); in a table
    of text only, if its cells are known, differ from one another and none occurs again below.
    """
    first = rows[0]
    sample = rows[1:_SAMPLE]
    named = [cell for cell in first if cell]
    if len(named) >= _FEWEST_NUMBERED and named == list(map(str, range(len(named)))):
        return True
    below = [typed(values) for values in zip(*sample, strict=True)]
    numbers = [values.dtype != object and not missing(values).all() for values in below]
    if any(number and number_in(cell) is None for cell, number in zip(first, numbers, strict=False)):
        return True
    if not all(number_in(cell) is None or cell.lower() in MISSING for cell in first):
        return False
    if any(numbers):
        return True
    if not all(first) or len(set(first)) < len(first):
        return False
    return not any(cell in values for cell, values in zip(first, below, strict=False))


def number_in(cell: str) -> float | None:
    """Return a cell's number, NaN if it is missing, None if it is text."""
    if cell.lower() in MISSING:
        return math.nan
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_2 as 12
    except ValueError:
        return None


def typed(cells: Sequence[str], *, text: bool = False) -> Array:
    """Return numbers if every non-missing cell is a number and `text` is not set, else text."""
    numbers = {cell: number_in(cell) for cell in set(cells)}
    if not text and None not in numbers.values():
        return np.array([numbers[cell] for cell in cells], dtype=np.float64)
    absent = {cell for cell, number in numbers.items() if number is not None and math.isnan(number)}
    return np.array([None if cell in absent else cell for cell in cells], dtype=object)


def type_remarks(columns: dict[str, Array], ids: Sequence[str]) -> Iterable[str]:
    """Yield remarks about columns that are text only because of a few cells."""
    for name, values in columns.items():
        if values.dtype != object:
            continue
        different = set(values.tolist()) - {None}
        text = {value for value in different if number_in(value) is None}
        words: Array = np.array([value in text for value in values.tolist()], dtype=bool)
        if 0 < words.sum() <= 0.1 * (~missing(values)).sum():
            example = plain(values[words][0])
            yield f"Column {plain(name)!r} is text because of cells like {example!r}: {listing(ids, words)}."
