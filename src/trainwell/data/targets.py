"""What type targets are of, inferred from their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainwell.core.errors import DataError
from trainwell.core.targets import CLASSES, LABEL_SETS, NUMBERS
from trainwell.data.values.missing import Array, missing
from trainwell.data.values.naming import class_name, listing

# A column of whole numbers with more different values than this is a quantity, not a set of classes.
_MOST_CLASSES = 20
_ROUNDED = (
    1e-3  # maximum rounding error relative to the standard deviation: adds a millionth of the variance to the loss
)


@dataclass(frozen=True)
class Targets:
    """Targets as `Examples` holds them, their type, and sentences about what was inferred."""

    values: Array
    target_type: str
    labels: tuple[str, ...]
    remarks: tuple[str, ...]


def infer(raw: Array, *, name: str, ids: Sequence[str], target_type: str = "") -> Targets:
    """Decide whether targets are classes, numbers or sets of labels.

    Text is classes. Numbers are classes if they are whole and few (at most 20 different ones), or if they come
    as integers that repeat; otherwise they are regressed. Rows of zeros and ones are sets of labels, or classes
    if each row holds exactly one 1.

    Args:
        raw: (N,) text with None, (N,) numbers with NaN, or (N, k) numbers.
        name: name of the target for messages, e.g. "Target 'income'".
        ids: a name for each example.
        target_type: CLASSES, NUMBERS or LABEL_SETS of `core/targets.py`; inferred if empty.
    Raises:
        DataError: if a target is missing or infinite, or if text is to be regressed.

    >>> infer(np.array(["no", "yes", "no"], dtype=object), name="Target 'paid'", ids=("a", "b", "c"))
    Targets(values=array([0, 1, 0]), target_type='classes', labels=('no', 'yes'),
            remarks=("Target 'paid' has 2 different values: binary classification.",
                     "A single example of class 'yes': it stays in the training split, so the class is not evaluated."))
    """
    if not raw.size:
        raise DataError(f"{name} has no examples.")
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.dtype.kind in "US":
        raw = raw.astype(str).astype(object)
    absent: Array = np.asarray(missing(raw).reshape(len(raw), -1).any(axis=1))
    if absent.any():
        raise DataError(f"{name} is missing in {listing(ids, absent)}. Fill these in or delete them.")
    numbers = raw.reshape(len(raw), -1) if raw.dtype.kind == "f" else np.zeros((len(raw), 1))
    infinite: Array = np.asarray(np.isinf(numbers).any(axis=1))
    if infinite.any():
        raise DataError(f"{name} must be finite, got infinity in {listing(ids, infinite)}. Correct or delete these.")
    if raw.ndim > 1:
        return _several(raw, name=name, target_type=target_type)
    if raw.dtype == object:
        if target_type == NUMBERS:
            raise DataError(f"{name} must be numeric for regression, got {raw[0]!r}. Choose another target.")
        return _classes(raw.astype(str), name=name)
    if target_type == CLASSES or (target_type != NUMBERS and _looks_like_classes(raw)):
        return _classes(raw, name=name)
    remark = f"{name} is a number with {len(np.unique(raw)):,} different values: regression."
    return Targets(_numbers(raw), NUMBERS, (), (remark,))


def _numbers(raw: Array) -> Array:
    """Return targets in float32, or in float64 if float32 rounds away how they differ, as it does to Unix times."""
    with np.errstate(over="ignore", invalid="ignore"):  # overflow raises later, naming the example
        short = raw.astype(np.float32)
        rounded = np.abs(short - raw.astype(np.float64)).max(axis=0) > _ROUNDED * raw.std(axis=0, dtype=np.float64)
    return raw.astype(np.float64) if np.isfinite(short).all() and rounded.any() else short


def _looks_like_classes(numbers: Array) -> bool:
    if numbers.dtype.kind == "f" and (numbers != np.floor(numbers)).any():
        return False
    different = len(np.unique(numbers))
    return different <= _MOST_CLASSES or (numbers.dtype.kind in "iub" and different <= len(numbers) / 2)


def _classes(raw: Array, *, name: str) -> Targets:
    values, numbers, counts = np.unique(raw, return_inverse=True, return_counts=True)
    labels = tuple(class_name(value) for value in values.tolist())
    kind = "binary classification" if len(labels) == 2 else "classification"
    remarks = [f"{name} has {len(labels):,} different values: {kind}."]
    if alone := [label for label, count in zip(labels, counts, strict=True) if count == 1]:
        which = f"class {alone[0]!r}" if len(alone) == 1 else f"each of {len(alone):,} classes ({alone[0]!r}, ...)"
        remarks.append(f"A single example of {which}: it stays in the training split, so the class is not evaluated.")
    return Targets(numbers.astype(np.int64), CLASSES, labels, tuple(remarks))


def _several(raw: Array, *, name: str, target_type: str) -> Targets:
    rows = raw.reshape(len(raw), -1)
    if rows.dtype == object:
        raise DataError(f"{name} must be text in one column or numbers, got an array of objects {raw.shape}.")
    if target_type == NUMBERS or not np.isin(rows, (0, 1)).all():
        remark = f"{name} has {rows.shape[1]} columns of numbers: regression."
        return Targets(_numbers(rows), NUMBERS, (), (remark,))
    if target_type != LABEL_SETS and (rows.sum(axis=1) == 1).all():
        found = _classes(rows.argmax(axis=1), name=name)
        return Targets(found.values, found.target_type, found.labels, (f"{name} is one-hot.", *found.remarks))
    remark = f"{name} has {rows.shape[1]} columns of zeros and ones: multi-label classification."
    return Targets(rows.astype(np.uint8), LABEL_SETS, tuple(map(str, range(rows.shape[1]))), (remark,))
