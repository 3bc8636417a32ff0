"""Findings about the order and the number of examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity
from trainwell.data.examples import Examples
from trainwell.data.kinds import Measurement
from trainwell.data.splits import Splits

_BATCH = 32  # batch size: a common default of loaders
_ONE_LABEL = 0.2  # fraction of unshuffled batches with a single label; for shuffled ones of two classes: 2^-31
_DRIFT = 0.2  # Kolmogorov-Smirnov distance between the first and the last third of the file
_BY_CHANCE = 1e-9
_FEW = 10  # minimum number of training examples to learn a class
_SHOWN = 10


def order_findings(examples: Examples, splits: Splits, *, columns: Mapping[str, Measurement]) -> Iterator[Finding]:
    """Yield findings about the order of the examples and the sizes of classes."""
    sorted_by_label = _one_label_batches(examples, splits)
    found = (sorted_by_label, None if sorted_by_label else _drift(splits, columns), _too_few(examples, splits))
    yield from (finding for finding in found if finding)


def _one_label_batches(examples: Examples, splits: Splits) -> Finding | None:
    if examples.class_numbers is None or len(splits.train) < 2 * _BATCH:
        return None
    labels = examples.class_numbers[splits.train]
    most = np.bincount(labels).max() / len(labels)
    whole = labels[: len(labels) // _BATCH * _BATCH].reshape(-1, _BATCH)
    single = float((np.ptp(whole, axis=1) == 0).mean())
    if single <= max(_ONE_LABEL, 3 * most**_BATCH):
        return None
    return Finding(
        rule="sorted_by_label",
        severity=Severity.INFO,
        title=f"The examples are sorted by label: without shuffling, {single:.0%} of the batches of {_BATCH} have a "
        "single label. trainwell shuffles in every epoch; set shuffle=True in any other loader.",
        evidence={"one_label_batches_fraction": single, "one_label_batches_fraction_limit": _ONE_LABEL},
    )


def _drift(splits: Splits, columns: Mapping[str, Measurement]) -> Finding | None:
    from scipy.stats import ks_2samp

    found = []
    third = len(splits.train) // 3
    for name, (values, _) in columns.items():
        ordered = values[splits.train]
        first, last = (part[~np.isnan(part)] for part in (ordered[:third], ordered[-third:]))
        if min(len(first), len(last)) < 30:
            continue
        distance, chance = ks_2samp(first, last, method="asymp")
        if distance >= _DRIFT and chance * len(columns) < _BY_CHANCE:
            found.append((float(distance), plain(name)))
    if not found:
        return None
    found.sort(reverse=True)
    return Finding(
        rule="order_matters",
        severity=Severity.INFO,
        title="Distribution shift along the file: if the order is time, take the test split from "
        "the end, not at random.",
        evidence={"distance": found[0][0], "distance_limit": _DRIFT},
        where=tuple(name for _, name in found[:_SHOWN]),
    )


def _too_few(examples: Examples, splits: Splits) -> Finding | None:
    if examples.class_numbers is None:
        return None
    counts = np.bincount(examples.class_numbers[splits.train], minlength=len(examples.labels))
    rare = np.flatnonzero((counts > 0) & (counts < _FEW))
    if not len(rare):
        return None
    least = int(counts[rare].min())
    return Finding(
        rule="too_few_examples",
        severity=Severity.WARNING,
        title=f"{len(rare):,} of {len(counts):,} classes have fewer than {_FEW} training examples: too few to learn.",
        evidence={"fewest_examples": least, "fewest_examples_low_limit": _FEW},
        where=tuple(plain(examples.labels[number]) for number in rare[np.argsort(counts[rare])][:_SHOWN]),
    )
