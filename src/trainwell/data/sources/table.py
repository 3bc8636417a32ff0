"""Tables: CSV, TSV and Parquet. Delimiter, header, types and missing values are detected and reported."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DataError, MissingExtraError
from trainwell.core.files import plain
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources.column_types import (
    MISSING,
    has_header,
    number_in,
    replace_decimal_commas,
    type_remarks,
    typed,
)
from trainwell.data.sources.encoding import EncodingProblem, text_of
from trainwell.data.targets import infer
from trainwell.data.text.texts import Texts
from trainwell.data.values.missing import Array, missing
from trainwell.data.values.naming import listing, numbered, shorten
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NAMED = {"tab": "\t", "\\t": "\t"}  # spelling of a tab in a recipe
_SAMPLE = 100  # rows read to detect the delimiter and the header
_CODE = re.compile(r"0\d+")  # 007 is a name, not the number 7


@dataclass(frozen=True)
class Rows:
    """A table as read from its file.

    Args:
        name: name of the file.
        table: its columns by name.
        ids: the line of each row.
        remarks: what was detected.
        codes: columns of numbers of which some begin with a 0, as text.
        unfit: columns of unsupported types, whose values are None, with an error message each.
    """

    name: str
    table: Table
    ids: Sequence[str]
    remarks: tuple[str, ...] = ()
    codes: Mapping[str, Array] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)

    def require(self, names: Iterable[str]) -> None:
        """Raise for columns that cannot be used.

        Raises:
            DataError: for the first of them that cannot be used.
        """
        for name in names:
            if name in self.unfit:
                raise DataError(self.unfit[name])


def read_table(path: Path, recipe: DataRecipe, *, target_type: str = "") -> Examples:
    """Read a table whose target is one of its columns.

    Args:
        path: CSV, TSV or Parquet.
        recipe: `target` (a name, or a number counted from 0, negative from the end; empty: the last column),
            `drop`, `group` and `delimiter` are read.
        target_type: "classes", "numbers" or "label sets" if the inferred type is not the one you want.
    Raises:
        DataError: if the table cannot be used; the message names the line.
    """
    return choose(read_rows(path, recipe.delimiter), recipe, target_type=target_type)


def choose(rows: Rows, recipe: DataRecipe, *, target_type: str = "") -> Examples:
    """Make examples of a table: its target, its groups and the columns to learn from; see `read_table`."""
    columns = dict(rows.table.columns)
    if len(columns) < 2:
        raise DataError(
            f"{rows.name} must have a target and at least one other column, got the single column "
            f"{shorten(columns, 1)!r} with {repr(recipe.delimiter) if recipe.delimiter else 'every delimiter tried'}. "
            f"Set data.delimiter to the delimiter of its cells, e.g. ',', ';', 'tab' or ' '."
        )
    if not len(rows.ids):
        raise DataError(f"{rows.name} has a header but no rows.")
    target = _column(recipe.target or "-1", columns, setting="data.target", name=rows.name)
    group = _column(recipe.group, columns, setting="data.group", name=rows.name) if recipe.group else ""
    left_out = {_column(column, columns, setting="data.drop", name=rows.name) for column in recipe.drop}
    inputs = {name: values for name, values in columns.items() if name not in left_out | {target, group}}
    if target in left_out | {group} or not inputs:
        raise DataError(f"{rows.name}: data.drop and data.group must leave the target and at least one input column.")
    rows.require((target, *inputs, *([group] if group else ())))
    called = f"Target {plain(target)!r}"
    found = infer(columns[target], name=called, ids=rows.ids, target_type=target_type)
    if found.labels and target in rows.codes:
        found = infer(rows.codes[target], name=called, ids=rows.ids)
    remarks = [*found.remarks, *rows.remarks]
    if group:
        remarks.append(f"Rows with equal values of column {plain(group)!r} are kept in one split; it is not an input.")
    if recipe.text:
        remarks.append(f"Column {plain(recipe.text)!r} is read as sequences of tokens; no other column is an input.")
    return Examples(
        name=rows.name,
        kind=KINDS["text" if recipe.text else "table"],
        inputs=text_column(rows, recipe) if recipe.text else Table(inputs),
        targets=found.values,
        target_type=found.target_type,
        ids=rows.ids,
        labels=found.labels,
        features=() if recipe.text else tuple(inputs),
        groups=_groups(rows.codes.get(group, columns[group]), plain(group), ids=rows.ids) if group else None,
        remarks=tuple(remarks),
    )


def text_column(rows: Rows, recipe: DataRecipe) -> Texts:
    """Return the column `data.text` as texts.

    Raises:
        DataError: if there is no such column, or it contains numbers.
    """
    name = _column(recipe.text, dict(rows.table.columns), setting="data.text", name=rows.name)
    if rows.table.is_numeric(name):
        raise DataError(f"data.text must name a column of texts, got {plain(name)!r}, which contains numbers.")
    return Texts.of(rows.table.columns[name].tolist())


def read_rows(path: Path, delimiter: str = "", *, known: Mapping[str, bool] | None = None) -> Rows:
    """Read all columns of a table.

    Args:
        path: CSV, TSV or Parquet.
        delimiter: what separates its cells; empty: detected.
        known: columns of the training data, and whether they were numeric: text columns are read as text again, even
            if every cell looks like a number.
    Raises:
        DataError: if it is empty, ragged or not text; with the line.
        MissingExtraError: for Parquet without polars.
    """
    with open(path, "rb") as file:
        parquet = file.read(4) == b"PAR1"
    return _read_parquet(path) if parquet else _read_text(path, delimiter, known=known or {})


def _read_text(path: Path, delimiter: str, *, known: Mapping[str, bool]) -> Rows:
    name = plain(path.name)
    text = decode_text(path.read_bytes(), name)
    if not text.strip('" \t\r\n'):
        raise DataError(f"{name} is empty. Give a table with a header and rows.")
    delimiter = _NAMED.get(delimiter, delimiter) or _delimiter(text)
    rows, lines = _parse(text, delimiter, name=name)
    texts = {column for column, numeric in known.items() if not numeric}
    remarks: list[str] = []
    if delimiter != "," and "," in text:
        remarks = replace_decimal_commas(rows, texts, thousands=delimiter != ";")
    header = (bool(known) and known.keys() <= set(rows[0])) or has_header(rows)
    names = [cell or f"x{i}" for i, cell in enumerate(rows[0])] if header else [f"x{i}" for i in range(len(rows[0]))]
    twice = [column for column, count in Counter(names).items() if count > 1]
    if twice:
        places = [str(i) for i, column in enumerate(names) if column == twice[0]]
        raise DataError(
            f"Columns of {name} must have different names, but columns {' and '.join(places)} (counted from 0) "
            f"are both called {plain(twice[0])!r}. Rename one."
        )
    body = rows[header:]
    ids = tuple(f"line {line}" for line in lines[header:])
    cells: list[Sequence[str]] = list(zip(*body, strict=True)) or [()] * len(names)
    columns = {column: typed(values, text=column in texts) for column, values in zip(names, cells, strict=True)}
    if not header:
        remarks.append(f"{name} has no header: its columns are called x0 to x{len(names) - 1}.")
    elif numbers := [cell for cell in rows[0] if number_in(cell) is not None and cell.lower() not in MISSING]:
        remarks.append(f"The first line of {name} is its header, though {plain(numbers[0])!r} in it is a number.")
    codes = {
        column: typed(values, text=True)
        for column, values in zip(names, cells, strict=True)
        if columns[column].dtype != object and any(map(_CODE.fullmatch, values))
    }
    return Rows(
        name=name,
        table=Table(columns),
        ids=ids,
        remarks=(*remarks, *type_remarks(columns, ids)),
        codes=codes,
    )


def decode_text(data: bytes, name: str) -> str:
    """Return UTF-8 or UTF-16 as text.

    Raises:
        DataError: for bytes that are neither, with the line.
    """
    try:
        return text_of(data)
    except EncodingProblem as problem:
        line = data.count(b"\n", 0, problem.offset) + 1
        if not problem.byte:
            raise DataError(f"{name}, line {line}: must be text, got a NUL byte. Save it as UTF-8 text.") from None
        raise DataError(
            f"{name}, line {line}: must be UTF-8 text, got the byte 0x{problem.byte:02x}. "
            f"Convert it, e.g. with iconv -f latin1 -t utf-8."
        ) from None


def _parse(text: str, delimiter: str, *, name: str) -> tuple[list[list[str]], list[int]]:
    """Return rows of stripped cells, all equally long, and the line each begins on; empty lines are skipped."""
    lines_of_text = io.StringIO(text, newline="")
    try:
        reader = csv.reader(lines_of_text, delimiter=delimiter, skipinitialspace=True, strict=True)
    except (TypeError, ValueError):
        raise DataError(f"data.delimiter must be one character or 'tab', got {delimiter!r}. Correct it.") from None
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            if row and row != [""]:
                rows.append([cell.strip() for cell in row])
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as problem:
        what = "a quote opens here and never closes" if "unexpected end" in str(problem) else str(problem)
        raise DataError(f"{name}, line {line}: {what}. Correct the quotes.") from None
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{name}, line {line}: must have {len(rows[0])} cells as in line {lines[0]}, got {len(row)}. "
                "Correct the line, or quote cells that contain the delimiter."
            )
    return rows, lines


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first rows into the most cells, equally many in each, or in nearly each."""
    sample = list(islice(io.StringIO(text, newline=""), _SAMPLE))
    widths = {delimiter: _width(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: widths[delimiter])
    return best if widths[best][1] > 1 else max(_DELIMITERS, key=sample[0].count)


def _width(sample: Sequence[str], delimiter: str) -> tuple[bool, int]:
    """Return whether all lines have equally many cells, at least two, and how many nearly all lines have, or 0."""
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter, skipinitialspace=True) if row]
    except csv.Error:
        return False, 0
    width, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
    return width > 1 and count == len(widths), width if count >= 0.9 * len(widths) else 0


def _column(wanted: str, columns: dict[str, Array], *, setting: str, name: str) -> str:
    if wanted in columns:
        return wanted
    names = list(columns)
    if wanted.removeprefix("-").isdecimal() and -len(names) <= int(wanted) < len(names):
        return names[int(wanted)]
    guess = nearest(wanted, names)
    raise DataError(
        f"{setting} must name a column of {name}, got {wanted!r}."
        f"{f' Did you mean {guess!r}?' if guess else ''} Columns: {shorten(names, len(names), most=20)}."
    )


def _groups(values: Array, name: str, *, ids: Sequence[str]) -> Array:
    if (absent := missing(values)).any():
        raise DataError(f"Group {name!r} must be known for every row, but is missing in {listing(ids, absent)}.")
    numbers: Array = np.unique(values.astype(str), return_inverse=True)[1]
    return numbers


def _read_parquet(path: Path) -> Rows:
    try:
        import polars
    except ImportError:
        raise MissingExtraError("Reading Parquet", "polars", extra="tables") from None
    name = plain(path.name)
    try:
        frame = polars.read_parquet(path, glob=False)
    except (
        Exception,
        polars.exceptions.PanicException,
    ) as problem:  # for damaged files it raises many types of exceptions
        reason = plain(str(problem))[:200]
        raise DataError(f"Cannot read the Parquet file {name}: {reason}. Write it again.") from None
    columns = {column: _from_polars(frame[column]) for column in frame.columns}
    unfit = {
        column: f"Column {plain(column)!r} of {name} must contain numbers, text or booleans, "
        f"got {frame[column].dtype}. Convert it, or drop it with data.drop."
        for column, values in columns.items()
        if values is None
    }
    nothing = np.full(len(frame), None, dtype=object)
    table = Table({column: nothing if values is None else values for column, values in columns.items()})
    return Rows(name, table, numbered("row", len(frame)), unfit=unfit)


def _from_polars(series: Any) -> Array | None:
    import polars

    if series.dtype.is_numeric():
        return np.array(series.cast(polars.Float64).fill_null(math.nan).to_numpy(), dtype=np.float64)
    if series.dtype in (polars.String, polars.Categorical, polars.Enum, polars.Boolean, polars.Null):
        texts = series.cast(polars.String).to_list()
        return np.array([None if text is None or text.lower() in MISSING else text for text in texts], dtype=object)
    return None
