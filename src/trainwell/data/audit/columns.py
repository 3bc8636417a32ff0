"""Findings about single columns: target leakage, outliers, ranges, and distribution shift between splits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity
from trainwell.data.examples import Examples
from trainwell.data.kinds import Measurement
from trainwell.data.splits import Splits

_LEAK = 0.99  # score of one column alone, from 0 (chance) to 1: docs/references.md, T15
_SAMPLED = 5000  # rows that suffice to see it
_MOST = 500  # columns that are checked
_OUTLIER = 20.0  # interquartile ranges from the median: normal numbers stay within 5, heavy tails within 20 or so
_MISMATCH = 0.1  # Kolmogorov-Smirnov distance between two splits ...
_BY_CHANCE = 1e-6  # ... and its p-value, corrected for the number of columns
_SCALED = 3.0  # ratio of standard deviations of two splits that only another preparation explains
_SHOWN = 10


class Feature(NamedTuple):
    """A summary of one input: its name, the fraction that is missing, minimum, mean and maximum."""

    name: str
    missing: float
    least: float
    mean: float
    greatest: float


def numbers(examples: Examples) -> Mapping[str, Measurement]:
    """Return what can be compared of every example as named columns, as its kind measures it."""
    return examples.kind.measure(examples.inputs, examples.features, most=_MOST)


def features(columns: Mapping[str, Measurement]) -> tuple[Feature, ...]:
    """Summarise every column."""
    return tuple(
        Feature(name, float(np.isnan(values).mean()), *_range(values[~np.isnan(values)]))
        for name, (values, _) in columns.items()
    )


def column_findings(examples: Examples, splits: Splits, *, columns: Mapping[str, Measurement]) -> Iterator[Finding]:
    """Yield findings about single columns, and those that only the kind of examples can find."""
    found = (
        _leaks(examples, columns),
        _mismatch(splits, columns),
        _outliers(examples, columns),
    )
    yield from (finding for finding in found if finding)
    yield from examples.kind.findings(examples.inputs, ids=examples.ids, measured=columns)


def _range(known: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(known.min()), float(known.mean()), float(known.max())) if len(known) else (np.nan, np.nan, np.nan)


def _leaks(examples: Examples, columns: Mapping[str, Measurement]) -> Finding | None:
    """Find columns from which alone a small decision tree predicts the target of unseen rows."""
    if not examples.kind.has_columns or examples.targets.ndim > 1 or len(columns) < 2 or len(examples) < 30:
        return None
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rows = np.random.default_rng(0).permutation(len(examples))[:_SAMPLED]
    classes = examples.class_numbers
    targets = examples.targets[rows]
    if classes is not None:
        leaves = 4 * len(examples.labels)
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
        score = "balanced_accuracy"
    else:
        tree = DecisionTreeRegressor(max_leaf_nodes=256, random_state=0)
        score = "r2"
    chance = 1 / len(np.unique(targets)) if classes is not None else 0.0
    scores: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer rows than folds
        for name, (values, _) in columns.items():
            alone = np.nan_to_num(values[rows], nan=np.nanmin(values, initial=0.0) - 1.0)[:, np.newaxis]
            if np.ptp(alone):
                scores[name] = float(cross_val_score(tree, alone, targets, scoring=score, cv=3).mean() - chance)
    leaks = sorted((name for name in scores if scores[name] / (1 - chance) >= _LEAK), key=lambda name: -scores[name])
    if not leaks:
        return None
    best = scores[leaks[0]] / (1 - chance)
    return Finding(
        rule="leaking_column",
        severity=Severity.WARNING,
        title=f"Target leakage: column {plain(leaks[0])!r} alone predicts the target. It may be the target under "
        "another name, or known only after it. Drop it with data.drop.",
        evidence={"score_of_the_column_alone": best, "score_of_the_column_alone_limit": _LEAK},
        where=tuple(map(plain, leaks[:_SHOWN])),
    )


def _mismatch(splits: Splits, columns: Mapping[str, Measurement]) -> Finding | None:
    from scipy.stats import ks_2samp

    worst: list[tuple[float, float, str]] = []
    tests = max(1, 2 * len(columns))
    for name, (values, _) in columns.items():
        train = values[splits.train]
        for part, rows in (("validation", splits.validation), ("test", splits.test)):
            one = train[~np.isnan(train)]
            two = values[rows][~np.isnan(values[rows])]
            if min(len(one), len(two)) < 20:
                continue
            distance, chance = ks_2samp(one, two, method="asymp")
            if distance >= _MISMATCH and chance * tests < _BY_CHANCE:
                ratio = (two.std() + 1e-12) / (one.std() + 1e-12)
                worst.append((float(distance), float(max(ratio, 1 / ratio)), f"{plain(name)} ({part})"))
    if not worst:
        return None
    worst.sort(reverse=True)
    ratio = max(ratio for _, ratio, _ in worst)
    is_scaled = ratio >= _SCALED
    title = "Distribution shift: held-out examples are distributed differently from the training examples, so their "
    title += "scores are unreliable."
    if is_scaled:
        title = "Held-out examples are scaled differently from the training examples: they were prepared differently."
    return Finding(
        rule="splits_differ",
        severity=Severity.ERROR if is_scaled else Severity.WARNING,
        title=title,
        evidence={
            "distance": worst[0][0],
            "distance_limit": _MISMATCH,
            "ratio_of_deviations": ratio,
            "ratio_of_deviations_limit": _SCALED,
        },
        where=tuple(name for _, _, name in worst[:_SHOWN]),
    )


def _outliers(examples: Examples, columns: Mapping[str, Measurement]) -> Finding | None:
    found: dict[int, tuple[float, str]] = {}
    for name, (values, is_quantity) in columns.items():
        if not is_quantity:
            continue
        known = values[~np.isnan(values)]
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (0.0, 0.0, 0.0)
        if high <= low:
            continue
        far = np.abs(values - middle) / (high - low)
        for row in np.flatnonzero(far > _OUTLIER).tolist():
            found[row] = max(found.get(row, (0.0, "")), (float(far[row]), name))
    if not found or len(found) > 0.01 * len(examples) + 1:  # many outliers are a heavy tail, not errors
        return None
    rows = sorted(found, key=lambda row: -found[row][0])
    title = f"Outliers: {len(found):,} of {len(examples):,} examples have a value far from all others. Check them."
    evidence = {"interquartile_ranges": found[rows[0]][0], "interquartile_ranges_limit": _OUTLIER}
    where = tuple(f"{plain(str(examples.ids[row]))}: {plain(found[row][1])}" for row in rows[:_SHOWN])
    return Finding("outliers", Severity.INFO, title, evidence=evidence, where=where)
