"""A quick audit of the data before training: findings in a second."""

from __future__ import annotations

import numpy as np

from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity
from trainwell.data.examples import Examples
from trainwell.data.splits import Splits
from trainwell.data.values.missing import Array

_DUPLICATES = 0.01  # of the held-out examples: docs/references.md, T10
_SEVERAL = 10  # fewer duplicates are not an error even in a small split
_IMBALANCE = 10.0  # largest over smallest class: docs/references.md, T12
_COMPARED_BYTES = 1024  # compared first to find candidates, which are then compared completely
_SHOWN = 10


def audit(examples: Examples, splits: Splits) -> list[Finding]:
    """Find faults that invalidate training or scores: duplicates across splits, absent and rare classes, constants.

    Returns:
        findings, the most severe kinds first; 60,000 images of 28 x 28 take about 0.2 s.
    """
    found = (
        _absent_classes(examples, splits),
        _duplicates(examples, splits),
        _imbalance(examples, splits),
        _constants(examples, splits),
    )
    return [finding for finding in found if finding]


def _absent_classes(examples: Examples, splits: Splits) -> Finding | None:
    classes = examples.class_numbers
    if classes is None:
        return None
    count = np.bincount(classes[splits.train], minlength=len(examples.labels))
    absent = [label for label, number in zip(examples.labels, count, strict=True) if not number]
    if not absent:
        return None
    title = f"{len(absent):,} of {len(examples.labels):,} classes have no training example and cannot be learned."
    evidence = {"absent_classes": len(absent), "absent_classes_limit": 0}
    return Finding("class_missing_from_train", Severity.ERROR, title, evidence=evidence, where=tuple(absent[:_SHOWN]))


def _duplicates(examples: Examples, splits: Splits) -> Finding | None:
    """Find held-out examples that equal one of an earlier split bit for bit, including the target in a table."""
    rows = _rows(examples)
    narrow = np.ascontiguousarray(rows[:, :: max(1, rows.shape[1] * rows.itemsize // _COMPARED_BYTES)])
    width = narrow.shape[1] * narrow.itemsize
    data = memoryview(narrow.tobytes())
    first: dict[bytes, int] = {}
    pairs: list[tuple[int, int]] = []
    for part in (splits.train, splits.validation, splits.test):
        own: dict[bytes, int] = {}
        for i in part.tolist():
            key = bytes(data[i * width : (i + 1) * width])
            earlier = first.get(key)
            if earlier is None:
                own[key] = i
            elif np.array_equal(rows[i], rows[earlier]):
                pairs.append((i, earlier))
        first |= own
    held_out = len(splits.validation) + len(splits.test)
    if not pairs:
        return None
    fraction = len(pairs) / held_out
    by_chance = examples.kind.repeats_by_chance
    severity = Severity.INFO if by_chance else Severity.WARNING
    if len(pairs) >= _SEVERAL and fraction > _DUPLICATES:
        severity = Severity.ERROR
    return Finding(
        rule="duplicates_across_splits",
        severity=severity,
        title=f"{len(pairs):,} of {held_out:,} validation and test examples are exact duplicates of examples of "
        "another split.",
        evidence={
            "duplicates": len(pairs),
            "duplicates_limit": _SEVERAL,
            "duplicate_fraction": fraction,
            "duplicate_fraction_limit": _DUPLICATES,
        },
        where=tuple(f"{plain(examples.ids[i])} = {plain(examples.ids[j])}" for i, j in pairs[:_SHOWN]),
    )


def _imbalance(examples: Examples, splits: Splits) -> Finding | None:
    classes = examples.class_numbers
    if classes is None:
        return None
    count = np.bincount(classes[splits.train], minlength=len(examples.labels))
    rarest = int(np.where(count > 0, count, count.max()).argmin())
    ratio = float(count.max() / count[rarest])
    if ratio <= _IMBALANCE:
        return None
    label = examples.labels[rarest]
    most = examples.labels[int(count.argmax())]
    title = (
        f"Class imbalance: {label!r} has {count[rarest]:,} training examples, {most!r} {ratio:.0f} times as many. "
        "Check the scores per class."
    )
    evidence = {"imbalance_ratio": ratio, "imbalance_ratio_limit": _IMBALANCE}
    return Finding("class_imbalance", Severity.INFO, title, evidence=evidence, where=(label,))


def _constants(examples: Examples, splits: Splits) -> Finding | None:
    constant = list(examples.kind.constant_features(examples.inputs, splits.train, features=examples.features))
    if not constant:
        return None
    title = (
        f"{len(constant):,} of {len(examples.features):,} inputs are constant in the training split and carry no "
        "information."
    )
    evidence = {"constant_features": len(constant), "constant_features_limit": 0}
    return Finding("constant_features", Severity.INFO, title, evidence=evidence, where=tuple(constant[:_SHOWN]))


def _rows(examples: Examples) -> Array:
    """Return rows with equal bytes for equal examples; with the targets where inputs repeat by chance."""
    inputs = examples.kind.identity(examples.inputs)
    if not examples.kind.repeats_by_chance:
        return inputs
    targets = examples.targets.reshape(len(examples), -1).astype(np.float64)
    return np.concatenate([inputs, (targets + 0.0).view(np.int64)], axis=1)  # + 0.0 normalises -0.0 to 0.0
