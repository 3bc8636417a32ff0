"""Tables: named columns of numbers, categories or texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DataError, ShapeError
from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity
from trainwell.data.kinds.fixed_size import FOR_ALL, FixedSize, Float32, fields_of, with_rotation
from trainwell.data.kinds.kind import InputPreparation, Kind, Measurement, Rows, View
from trainwell.data.statistics.affine import first_stage
from trainwell.data.statistics.column import Column
from trainwell.data.statistics.tfidf import TfIdf
from trainwell.data.values.free_text import is_text
from trainwell.data.values.missing import Array, missing
from trainwell.data.values.naming import listing, shorten
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

_LARGEST = float(np.finfo(np.float32).max)
_SHOWN = 10  # columns named in a finding


@final
@dataclass(frozen=True)
class TablePreparation(FixedSize):
    """How the columns of a table become numbers.

    Args:
        columns: one for each input column, in the order of the inputs.
    """

    columns: tuple[Column | TfIdf, ...] = ()

    def first(self, raw: Table) -> Float32:
        """Return (rows, features) numbers.

        Args:
            raw: a table with at least the training columns.
        Raises:
            DataError: if a column is missing or contains text instead of numbers.
            ShapeError: if it is not a table.
        """
        raw = _as_table(raw)
        prepared = np.zeros((len(raw), math.prod(self.raw_shape)), dtype=np.float32)
        start = 0
        for column in self.columns:
            if column.name not in raw.columns:
                guess = nearest(column.name, raw.columns)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise DataError(
                    f"The table must have the column {column.name!r} as in training, "
                    f"got {', '.join(map(repr, raw.columns))}.{hint}"
                )
            stop = start + len(column.features)
            column.fill(raw.columns[column.name], prepared[:, start:stop])
            start = stop
        return prepared

    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation for any table: a column that is missing is named when the table is prepared."""
        return self if isinstance(new, TablePreparation) else None


@final
class TableKind(Kind):
    """Named columns of numbers, categories or texts; some values may be missing."""

    name = "table"
    units = "rows"
    description = "rows of a table"
    preparations = FOR_ALL
    repeats_by_chance = True  # rows of few values may agree without being duplicates
    has_columns = True

    def check(self, inputs: Table, *, name: str, ids: Sequence[str]) -> None:
        """Raise for infinite numbers; missing ones are allowed."""
        for column, values in inputs.columns.items():
            infinite = np.abs(values) > _LARGEST if inputs.is_numeric(column) else np.zeros(0, dtype=bool)
            if infinite.any():
                raise DataError(
                    f"Column {column!r} of {name} must contain finite numbers (at most 3.4e38), got larger ones in "
                    f"{listing(ids, infinite)}. Correct these rows, or drop the column with data.drop."
                )

    def check_new(self, inputs: Table, *, ids: Sequence[str]) -> None:
        """Raise for infinite numbers; missing ones are allowed."""
        for column, values in inputs.columns.items():
            infinite = np.isinf(values) if values.dtype.kind == "f" else np.zeros(0, dtype=bool)
            if infinite.any():
                raise DataError(
                    f"{plain(column)} must be finite numbers to predict on, got infinity in "
                    f"{listing(ids, infinite, most=1)}. Correct or delete these examples."
                )

    def given(self, values: Any) -> Table:
        """Return a table as it is.

        Raises:
            ShapeError: if it is not a table.
        """
        return _as_table(values)

    def content(self, inputs: Table) -> Iterator[Array]:
        """Yield the columns."""
        yield from inputs.columns.values()

    def fit(
        self, inputs: Table, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[TablePreparation, tuple[str, ...]]:
        """Fit every column; words of texts become inputs only if no column is usable."""
        table = inputs[rows]
        method = first_stage(settings.prepare)
        found = {column: Column.fit(column, values, method=method) for column, values in table.columns.items()}
        columns: tuple[Column | TfIdf, ...] = tuple(column for column in found.values() if column)
        if not columns:
            fitted = (TfIdf.fit(column, values) for column, values in table.columns.items())
            columns = tuple(column for column in fitted if column)
        if not columns:
            raise DataError(
                f"{name} must have a column to learn from, but {shorten(found, len(found))} "
                "are empty, constant or text with hardly any repeated value. Add columns of numbers or categories."
            )
        used = {column.name for column in columns}
        remarks = [
            f"Column {column!r} is dropped: it is empty, constant, or text with hardly any repeated value."
            for column in found
            if column not in used
        ]
        remarks += [
            f"The {len(column.words):,} most frequent words of {column.name!r} are used."
            for column in columns
            if isinstance(column, TfIdf)
        ]
        names = tuple(feature for column in columns for feature in column.features)
        first = TablePreparation(input_shape=(len(names),), names=names, columns=columns)
        rotated, more = with_rotation(first, inputs, rows=rows, settings=settings)
        return rotated, (*remarks, *more)

    def load(self, data: Mapping[str, Any]) -> TablePreparation:
        """Return the preparation that `to_json` wrote."""
        columns = tuple((TfIdf if "words" in column else Column)(**_tuples(column)) for column in data["columns"])
        return TablePreparation(**fields_of(data), columns=columns)

    def view(self, inputs: Table, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return the values of every column."""
        return [View(values={name: values[row] for name, values in inputs.columns.items()}) for row in rows]

    def measure(self, inputs: Table, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return the first columns: categories are numbered by how frequent they are, texts become their length."""
        some = list(inputs.columns.items())[:most]
        return {name: Measurement(_as_numbers(values), is_quantity=inputs.is_numeric(name)) for name, values in some}

    def identity(self, inputs: Table) -> NDArray[np.int64]:
        """Return the columns with equal values numbered equally."""
        return np.stack([exact_codes(values) for values in inputs.columns.values()], axis=1)

    def numbers(self, inputs: Table) -> NDArray[np.float64]:
        """Return the columns as numbers: missing ones far from all others, texts numbered by value."""
        columns = []
        for name, values in inputs.columns.items():
            if not inputs.is_numeric(name):
                number: dict[object, int] = {}
                columns.append(np.array([number.setdefault(value, len(number)) for value in values.tolist()], float))
                continue
            spread = np.nanstd(values) if not np.isnan(values).all() else 0.0
            columns.append(np.where(np.isnan(values), np.nanmax(values, initial=0.0) + 1e3 * (spread or 1.0), values))
        return np.column_stack(columns)

    def texts(self, inputs: Table) -> list[tuple[str | None, ...]] | None:
        """Return the columns of free text; None if there are none."""
        names = [name for name in inputs.columns if is_text(inputs.columns[name])]
        if not names:
            return None
        return list(zip(*(inputs.columns[name].tolist() for name in names), strict=True))

    def flat(self, inputs: Table, rows: Rows, *, name: str) -> Array:
        """Return the standardised rows."""
        fitted, _ = self.fit(inputs, rows, settings=DataRecipe(), name=name, features=())
        return fitted.arrays(inputs[rows])["inputs"]

    def constant_features(self, inputs: Table, rows: Rows, *, features: Sequence[str]) -> Iterator[str]:
        """Yield the columns with at most one value."""
        for name, values in inputs[rows].columns.items():
            known = values[~missing(values)]
            if len(known) in (0, len(values)) and all(value == known[0] for value in known[1:]):
                yield name

    def findings(self, inputs: Table, *, ids: Sequence[str], measured: Mapping[str, Measurement]) -> Iterator[Finding]:
        """Find missing values."""
        shares = {name: float(missing(values).mean()) for name, values in inputs.columns.items()}
        gaps = sorted((name for name in shares if shares[name] > 0), key=lambda name: -shares[name])
        if gaps:
            share = shares[gaps[0]]
            yield Finding(
                rule="missing_values",
                severity=Severity.INFO,
                title=f"{len(gaps):,} of {len(shares):,} columns have missing values, up to {share:.0%} of the rows: "
                "the training median replaces them, and an indicator input is added.",
                evidence={"missing_fraction": share, "missing_fraction_limit": 0.0},
                where=tuple(map(plain, gaps[:_SHOWN])),
            )


def _as_table(values: Any) -> Table:
    if not isinstance(values, Table):
        raise ShapeError(
            f"Inputs must be a table with the columns of training, got an array of shape {np.shape(values)}. "
            "Give examples of the same kind."
        )
    return values


def exact_codes(values: Array) -> NDArray[np.int64]:
    """Number equal values equally; all missing ones are equal.

    >>> exact_codes(np.array(["a", None, "a"], dtype=object)).tolist()
    [0, 1, 0]
    """
    if values.dtype != object:
        return np.where(np.isnan(values), np.nan, values + 0.0).view(np.int64)  # + 0.0 normalises -0.0 to 0.0
    number: dict[str | None, int] = {}
    return np.array([number.setdefault(value, len(number)) for value in values.tolist()], dtype=np.int64)


def _as_numbers(values: Array) -> NDArray[np.float64]:
    if values.dtype != object:
        return values.astype(np.float64)
    if is_text(values):
        return np.array([np.nan if text is None else len(text) for text in values.tolist()], dtype=np.float64)
    known, counts = np.unique(values[~missing(values)].astype(str), return_counts=True)
    rank = {name: float(i) for i, name in enumerate(known[np.argsort(-counts, kind="stable")].tolist())}
    return np.array([rank.get(str(value), np.nan) if value is not None else np.nan for value in values.tolist()])


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
