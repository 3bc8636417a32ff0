"""Arrays given from Python: numpy arrays, lists or torch tensors, in the layout and type that kinds expect."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.values.missing import Array


def as_array(values: Any, *, what: str, name: str, may_be_text: bool = False) -> Array:
    """Return an array of numbers with one entry for each example.

    Args:
        values: an array, a list or a torch tensor.
        what: their name in messages: "x", "y".
        name: of the data set, for messages.
        may_be_text: whether text, and None for missing values, is allowed.
    Raises:
        ShapeError: if rows differ in length, or there is a single number.
        DataError: if the type is not supported.

    >>> as_array([[1, 2]], what="x", name="arrays").shape
    (1, 2)
    """
    if hasattr(values, "detach"):  # a torch tensor; torch itself is not needed to read it
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError as problem:
        raise ShapeError(f"{what} of {name} must be one array, got rows of different lengths ({problem}).") from None
    if array.ndim == 0:
        raise ShapeError(f"{what} of {name} must be an array with one entry for each example, got {values!r}.")
    text = may_be_text and array.dtype == object and all(value is None or isinstance(value, str) for value in array)
    if array.dtype.kind not in ("biufUS" if may_be_text else "biuf") and not text:
        raise DataError(
            f"{what} of {name} must contain numbers{' or text' if may_be_text else ''}, got {array.dtype}. Convert it."
        )
    return array


def as_images(array: Array) -> Array | None:
    """Return bytes in the shape of images as (N, H, W, C); None if they are not images.

    uint8 of three axes (N, H, W), or of four with 1 or 3 channels, last or second, are images; all else is numbers.

    >>> images = as_images(np.zeros((5, 3, 8, 8), np.uint8))
    >>> None if images is None else images.shape
    (5, 8, 8, 3)
    """
    if array.dtype != np.uint8:
        return None
    if array.ndim == 3:
        return array[..., np.newaxis]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if array.ndim == 4 and array.shape[1] in (1, 3):
        return np.ascontiguousarray(np.moveaxis(array, 1, 3))
    return None


def as_numbers(array: Array, *, name: str) -> Array:
    """Return numbers as float32 (N, ...) with at least two axes.

    Raises:
        ShapeError: if an example has no number.
    """
    if 0 in array.shape[1:]:
        raise ShapeError(f"x of {name} must have at least one number per example, got shape {array.shape}.")
    with np.errstate(over="ignore"):  # overflow becomes infinite, which raises later, naming the row
        numbers = array.astype(np.float32, copy=False)
    return numbers[:, np.newaxis] if numbers.ndim == 1 else numbers
