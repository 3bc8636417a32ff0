"""Duplicate examples: images, rows equal up to rounding, texts equal up to spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainwell.data.audit.near_duplicates import Pair, near_duplicates
from trainwell.data.examples import Examples
from trainwell.data.values.free_text import normalise
from trainwell.data.values.missing import Array

_ROUNDING = 1e-3  # tolerance of equal rows, as a fraction of the standard deviation of each column
_WIDEST = 64  # values in a row beyond which only exact duplicates are found
_LISTED = 10  # duplicates of one example beyond which only pairs with the first are returned
_TEXTS = 30_000  # number of texts beyond which only equal ones are found
_SHARED = 0.9  # cosine similarity of character n-grams from which two texts are near-duplicates


def duplicates(examples: Examples) -> list[Pair]:
    """Find pairs of examples with equal inputs, whatever their targets.

    Returns:
        each pair once, in the order of their indices. In groups of more than 10, all are paired with the first only.
    """
    kind = examples.kind
    inputs = examples.inputs
    if (texts := kind.texts(inputs)) is not None:
        found = _texts(texts)
    elif (numbers := kind.numbers(inputs)) is not None:
        found = _rows(numbers)
    else:
        found = dict(_exact(kind.identity(inputs)))
        if (pixels := kind.pixels(inputs)) is not None:
            found = {(pair.first, pair.second): pair.agreement for pair in near_duplicates(pixels)} | found
    return [Pair(*key, found[key]) for key in sorted(found)]


def _grouped(keys: Iterable[object]) -> Mapping[tuple[int, int], float]:
    """Pair the indices of equal keys."""
    groups: dict[object, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        groups[key].append(number)
    pairs: dict[tuple[int, int], float] = {}
    for group in groups.values():
        heads = group if len(group) <= _LISTED else group[:1]
        pairs |= {(first, second): 1.0 for first in heads for second in group if first < second}
    return pairs


def _exact(rows: Array) -> Mapping[tuple[int, int], float]:
    return _grouped(row.tobytes() for row in np.ascontiguousarray(rows))


def _rows(numbers: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """Pair rows that differ by at most a thousandth of the standard deviation of each column."""
    from scipy.spatial import cKDTree

    spread = numbers.std(axis=0)
    scaled = (numbers / np.where(spread > 0, spread, 1.0)) + 0.0  # normalise -0.0 to 0.0
    pairs = dict(_grouped(row.tobytes() for row in scaled))
    if scaled.shape[1] <= _WIDEST:
        _, firsts = np.unique(scaled, axis=0, return_index=True)
        near = cKDTree(scaled[firsts]).query_pairs(_ROUNDING, p=np.inf, output_type="ndarray")
        for one, two in firsts[near].tolist():
            pairs.setdefault((min(one, two), max(one, two)), 1.0 - _ROUNDING)
    return pairs


def _texts(examples: Sequence[tuple[str | None, ...]]) -> dict[tuple[int, int], float]:
    """Pair texts that are equal after normalisation, and those that share nearly all character n-grams."""
    texts = [" / ".join(map(normalise, parts)) for parts in examples]
    pairs = dict(_grouped(texts))
    if len(texts) > _TEXTS:
        return pairs
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 5), min_df=2, max_df=0.05, sublinear_tf=True)
    try:
        vectors = grams.fit_transform(texts)
    except ValueError:  # too few or too short texts have no n-gram in common
        return pairs
    for start in range(0, len(texts), 1000):
        near = (vectors[start : start + 1000] @ vectors.T).tocoo()
        for one, two, shared in zip(near.row + start, near.col, near.data, strict=True):
            if one < two and shared >= _SHARED:
                pairs.setdefault((int(one), int(two)), float(shared))
    return pairs
