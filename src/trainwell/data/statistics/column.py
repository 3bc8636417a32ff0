"""One column of a table as numbers: standardised, or one input for each frequent category."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError
from trainwell.data.statistics.affine import affine
from trainwell.data.values.missing import Array, missing
from trainwell.data.values.naming import class_name

# A category must be frequent enough to be learned: at least twice, and in at least one training example of a
# thousand; the 100 most frequent ones of a column are kept.
_MOST_CATEGORIES = 100
_RARE = 0.001


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes numbers.

    Args:
        name: name of the column.
        numeric: numbers, or categories.
        centre: median of the training rows, which replaces missing numbers.
        mean: subtracted from numbers.
        std: numbers are divided by it; 0 marks a constant, whose input is always 0, also for new rows.
        categories: the one-hot encoded categories, most frequent first; all others give zeros.
        missing: whether it gets a further input that is 1 where the value is missing.
    """

    name: str
    numeric: bool
    centre: float = 0.0
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()
    missing: bool = False

    @classmethod
    def fit(cls, name: str, values: Array, *, method: str) -> Column | None:
        """Fit one column on the training rows, or return None if there is nothing to learn from it.

        Args:
            name: name of the column.
            values: (rows,) of the training rows, as in a `Table`.
            method: what numbers are scaled by, as for `affine`.
        """
        if values.dtype == object:
            return _fit_categories(name, values)
        known = values[~np.isnan(values)]
        if not len(known):
            return None
        centre = float(np.median(known))
        mean, std = affine(np.where(np.isnan(values), centre, values), method)
        incomplete = len(known) < len(values)
        if not (std or incomplete):
            return None
        return cls(name=name, numeric=True, centre=centre, mean=mean, std=std, missing=incomplete)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs made from this column."""
        main = (self.name,) if self.numeric else tuple(f"{self.name} = {category}" for category in self.categories)
        return (*main, f"{self.name} missing") if self.missing else main

    def fill(self, values: Array, out: NDArray[np.float32]) -> None:
        """Write the inputs of (rows,) values into (rows, features) zeros.

        Raises:
            DataError: if values are text or infinite where numbers were fitted.
        """
        if self.numeric:
            numbers = self._numbers(values)
            absent = np.isnan(numbers)
            if self.std:
                with np.errstate(over="ignore"):
                    out[:, 0] = (np.where(absent, self.centre, numbers) - self.mean) / self.std
                if not np.isfinite(out[:, 0]).all():
                    raise DataError(f"Column {self.name!r} must contain finite numbers, got infinite ones. Correct it.")
        else:
            number: dict[str | None, int] = {category: i for i, category in enumerate(self.categories)}
            found = np.array([number.get(text, -1) for text in _texts(values)], dtype=np.int64)
            rows = np.flatnonzero(found >= 0)
            out[rows, found[rows]] = 1.0
            absent = missing(values)
        if self.missing:
            out[:, -1] = absent

    def _numbers(self, values: Array) -> NDArray[np.float64]:
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"Column {self.name!r} must contain numbers as in training, got text. Correct it."
            ) from None


def _fit_categories(name: str, values: Array) -> Column | None:
    known = values[~missing(values)].astype(str)
    found, counts = np.unique(known, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
    enough = max(2, math.ceil(_RARE * len(values)))
    categories = tuple(str(found[i]) for i in order if counts[i] >= enough)
    if not categories:
        return None
    return Column(name=name, numeric=False, categories=categories, missing=len(known) < len(values))


def _texts(values: Array) -> list[str | None]:
    """Categories of a column; numbers are written as the reader writes the names of classes."""
    return [None if value is None else class_name(value) for value in values.tolist()]
