"""Arrays: .npz files, and numpy arrays or torch tensors from Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.core.errors import DataError, ShapeError
from trainwell.core.files import plain
from trainwell.data.examples import TEST, TRAIN, VALIDATION, Examples
from trainwell.data.kinds import KINDS
from trainwell.data.targets import infer
from trainwell.data.values.given import as_array, as_images, as_numbers
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import numbered

# Names of the arrays of one split in an .npz file, in lower case; X is the whole data set unless there are others.
_LAYOUT: dict[str, tuple[str, int]] = {
    "x": ("y", TRAIN),
    "x_train": ("y_train", TRAIN),
    "x_val": ("y_val", VALIDATION),
    "x_valid": ("y_valid", VALIDATION),
    "x_validation": ("y_validation", VALIDATION),
    "x_test": ("y_test", TEST),
}


def from_arrays(x: Any, y: Any, *, name: str = "arrays", given: Array | None = None, target_type: str = "") -> Examples:
    """Make examples from arrays or tensors in memory.

    uint8 with three axes (N, H, W), or four with 1 or 3 channels, last or second, are images; all else is numbers.

    Args:
        x: (N, ...) numbers.
        y: (N,) class names, class numbers or numbers; (N, k) numbers, or zeros and ones.
        name: of the data set, for messages.
        given: (N,) 0, 1, 2 for train, validation and test if the data are already split.
        target_type: "classes", "numbers" or "label sets" if the inferred type is not the one you want.
    Raises:
        DataError: for objects, missing targets, numbers that are not finite.
        ShapeError: if x and y differ in length.

    >>> examples = from_arrays([[0.5, 1.0], [0.1, 2.0]], ["cat", "dog"])
    >>> examples.kind.name, examples.target_type, examples.labels
    ('array', 'classes', ('cat', 'dog'))
    """
    inputs = as_array(x, what="x", name=name)
    targets = as_array(y, what="y", name=name, may_be_text=True)
    if len(inputs) != len(targets):
        raise ShapeError(
            f"x and y of {name} must have the same length, got {len(inputs):,} and {len(targets):,}. "
            "Give one target for each example."
        )
    images = as_images(inputs)
    kind = KINDS["array" if images is None else "image"]
    inputs = as_numbers(inputs, name=name) if images is None else images
    ids = numbered("row", len(inputs))
    found = infer(targets, name="Target 'y'", ids=ids, target_type=target_type)
    features = tuple(f"x{i}" for i in range(inputs.shape[1])) if images is None and inputs.ndim == 2 else ()
    return Examples(
        name=name,
        kind=kind,
        inputs=inputs,
        targets=found.values,
        target_type=found.target_type,
        ids=ids,
        labels=found.labels,
        features=features,
        given=given,
        remarks=found.remarks,
    )


def read_npz(path: Path, target_type: str = "") -> Examples:
    """Read an .npz file with X and y, or x_train, y_train and so on; objects (pickles) are never loaded.

    If there is x_val or x_test, X is the training split. Inputs without targets are skipped and named in the remarks.

    Raises:
        DataError: if it is damaged, the arrays have other names, or there are both X and x_train.
    """
    name = plain(path.name)
    arrays = _load(path, name)
    lower = {key.lower(): key for key in arrays}
    pairs = [(lower[x], lower[y], split) for x, (y, split) in _LAYOUT.items() if x in lower and y in lower]
    if not pairs:
        raise DataError(
            f"{name} must contain targets as y, y_train or y_test, got {', '.join(map(plain, arrays))}. "
            "Save it with numpy.savez(file, X=X, y=y)."
        )
    xs, ys, splits = zip(*pairs, strict=True)
    if splits.count(TRAIN) > 1:
        raise DataError(f"{name} must contain one training split, got {xs[0]} and {xs[1]}. Remove one of them.")
    counts = [len(np.atleast_1d(arrays[y])) for y in ys]
    for x, y, count in zip(xs, ys, counts, strict=True):
        if (got := len(np.atleast_1d(arrays[x]))) != count:
            raise ShapeError(f"{x} and {y} of {name} must have the same length, got {got}, {count}.")
    given = None if xs[0].lower() == "x" and len(xs) == 1 else np.repeat(splits, counts).astype(np.int8)
    try:
        inputs, targets = (
            arrays[keys[0]] if len(keys) == 1 else np.concatenate([arrays[key] for key in keys]) for keys in (xs, ys)
        )
    except ValueError as problem:
        raise ShapeError(f"The splits of {name} must have equal shapes: {problem}.") from None
    examples = from_arrays(inputs, targets, name=name, given=given, target_type=target_type)
    alone = [lower[x] for x, (y, _) in _LAYOUT.items() if x in lower and y not in lower]
    said = f"Skipped, because they have no targets: {', '.join(map(plain, alone))}."
    return dataclasses.replace(examples, remarks=(*examples.remarks, said)) if alone else examples


def read_npz_inputs(path: Path) -> Array:
    """Read the array X (or x_test) of an .npz file, for prediction.

    Raises:
        DataError: if there is none, or the file is damaged.
    """
    name = plain(path.name)
    arrays = {key.lower(): array for key, array in _load(path, name).items()}
    for key in ("x", "x_test"):
        if key in arrays:
            return arrays[key]
    raise DataError(f"{name} must contain an array named X, got {', '.join(map(plain, arrays))}. Rename it.")


def _load(path: Path, name: str) -> dict[str, Array]:
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            if not any(key.lower() in _LAYOUT for key in file.files):
                raise DataError(
                    f"{name} must contain arrays named X and y, or x_train, y_train, x_test, y_test, "
                    f"got {', '.join(map(plain, file.files)) or 'none'}. Save it with numpy.savez(file, X=X, y=y)."
                )
            return {key: file[key] for key in file.files if key.lower() in _LAYOUT or key.lower().startswith("y")}
    except DataError:
        raise
    except Exception as problem:  # for damaged files numpy, zipfile and zlib raise many types of exceptions
        reason = (
            "it contains Python objects" if "allow_pickle" in str(problem) else plain(str(problem)) or "out of memory"
        )
        raise DataError(f"Cannot read the arrays of {name}: {reason}. Save it again with numpy.savez.") from None
