"""Examples that occur more than once: pictures, rows equal up to rounding, texts equal up to spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from trainwell.data.audit.near_duplicates import Pair, near_copies
from trainwell.data.examples import Array, Examples, Table
from trainwell.data.free_text import is_text, normalise

_ROUNDING = 1e-3  # rows are equal if no number differs by more than this share of its column's deviation
_WIDEST = 64  # numbers in a row beyond which rows are compared byte by byte only
_LISTED = 10  # copies of one example beyond which pairs are given with the first only
_TEXTS = 30_000  # texts beyond which only equal ones are looked for
_SHARED = 0.9  # cosine of character n-grams from which two texts are one


def copies(examples: Examples) -> list[Pair]:
    """Find pairs of examples whose inputs are the same, whatever their targets.

    Returns:
        each pair once, in the order of their numbers. Groups of more than 10 copies are paired with their first only.
    """
    inputs = examples.inputs
    if isinstance(inputs, Table):
        texts = [name for name in inputs.columns if is_text(inputs.columns[name])]
        found = _texts(inputs, texts) if texts else _rows(_codes(inputs))
    else:
        found = dict(_exact(inputs))
        pictures = inputs if examples.kind == "picture" else _as_pictures(inputs)
        if pictures is not None:
            found = {(pair.first, pair.second): pair.agreement for pair in near_copies(pictures)} | found
        elif inputs[0].size <= _WIDEST:
            found = _rows(inputs.reshape(len(inputs), -1).astype(np.float64))
    return [Pair(*key, found[key]) for key in sorted(found)]


def _grouped(keys: Iterable[object]) -> Mapping[tuple[int, int], float]:
    """Pair the numbers of equal keys."""
    groups: dict[object, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        groups[key].append(number)
    pairs: dict[tuple[int, int], float] = {}
    for group in groups.values():
        heads = group if len(group) <= _LISTED else group[:1]
        pairs |= {(first, second): 1.0 for first in heads for second in group if first < second}
    return pairs


def _exact(inputs: Array) -> Mapping[tuple[int, int], float]:
    rows = np.ascontiguousarray(inputs).reshape(len(inputs), -1)
    return _grouped(row.tobytes() for row in rows)


def _codes(table: Table) -> NDArray[np.float64]:
    """Return a table as numbers: missing ones far away from all others, texts numbered by value."""
    columns = []
    for name, values in table.columns.items():
        if not table.is_numeric(name):
            number: dict[object, int] = {}
            columns.append(np.array([number.setdefault(value, len(number)) for value in values.tolist()], float))
            continue
        spread = np.nanstd(values) if not np.isnan(values).all() else 0.0
        columns.append(np.where(np.isnan(values), np.nanmax(values, initial=0.0) + 1e3 * (spread or 1.0), values))
    return np.column_stack(columns)


def _rows(numbers: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """Pair rows of which no number differs by more than a thousandth of its column's deviation."""
    from scipy.spatial import cKDTree

    spread = numbers.std(axis=0)
    scaled = (numbers / np.where(spread > 0, spread, 1.0)) + 0.0  # one zero of two
    pairs = dict(_grouped(row.tobytes() for row in scaled))
    if scaled.shape[1] <= _WIDEST:
        _, firsts = np.unique(scaled, axis=0, return_index=True)
        near = cKDTree(scaled[firsts]).query_pairs(_ROUNDING, p=np.inf, output_type="ndarray")
        for one, two in firsts[near].tolist():
            pairs.setdefault((min(one, two), max(one, two)), 1.0 - _ROUNDING)
    return pairs


def _as_pictures(inputs: Array) -> Array | None:
    """Return arrays that look like pictures as such: two sides of 16 and more, one or three channels."""
    if inputs.ndim == 3:
        inputs = inputs[:, np.newaxis]
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3) or min(inputs.shape[2:]) < 16:
        return None
    low, high = float(inputs.min()), float(inputs.max())
    levels = np.moveaxis((inputs - low) * (255 / ((high - low) or 1.0)), 1, 3)
    return levels.astype(np.uint8)


def _texts(table: Table, names: list[str]) -> dict[tuple[int, int], float]:
    """Pair texts that are equal once normalised, and those that share nearly all runs of characters."""
    columns = [table.columns[name].tolist() for name in names]
    texts = [" / ".join(map(normalise, parts)) for parts in zip(*columns, strict=True)]
    pairs = dict(_grouped(texts))
    if len(texts) > _TEXTS:
        return pairs
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 5), min_df=2, max_df=0.05, sublinear_tf=True)
    try:
        vectors = grams.fit_transform(texts)
    except ValueError:  # too few or too short texts have no run of characters in common
        return pairs
    for start in range(0, len(texts), 1000):
        near = (vectors[start : start + 1000] @ vectors.T).tocoo()
        for one, two, shared in zip(near.row + start, near.col, near.data, strict=True):
            if one < two and shared >= _SHARED:
                pairs.setdefault((int(one), int(two)), float(shared))
    return pairs
