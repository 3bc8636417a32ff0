"""Tables: CSV, TSV and Parquet, with delimiter, header, types and missing values found out and said aloud."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DataError, MissingExtraError
from trainwell.core.files import plain
from trainwell.data.examples import Array, Examples, Table, listing, missing, numbered, shorten
from trainwell.data.targets import infer
from trainwell.recipe.schema import DataRecipe

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NAMED = {"tab": "\t", "\\t": "\t"}  # ways to write a tab in a recipe
_MISSING = frozenset(("", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"))
_SAMPLE = 100  # rows read to find out the delimiter and the header


@dataclass(frozen=True)
class Rows:
    """A table as it stands in its file: named columns, and where each row is."""

    name: str
    table: Table
    ids: Sequence[str]
    remarks: tuple[str, ...] = ()


def read_table(path: Path, recipe: DataRecipe, task: str = "") -> Examples:
    """Read a table whose target is one of its columns.

    Args:
        path: CSV, TSV or Parquet.
        recipe: `target` (a name, or a number counted from 0, negative from the end; empty: the last column),
            `drop`, `group` and `delimiter` are read.
        task: "classify" or "regress" where the inferred task is not the one you mean.
    Raises:
        DataError: for everything that can be wrong with a table, with its line.
    """
    rows = read_rows(path, recipe.delimiter)
    columns = dict(rows.table.columns)
    if len(columns) < 2:
        raise DataError(
            f"{rows.name} must have a target and at least one other column, got the single column "
            f"{shorten(columns, 1)!r} with {repr(recipe.delimiter) if recipe.delimiter else 'every delimiter tried'}. "
            f"Set data.delimiter to what separates its cells, e.g. ',', ';', 'tab' or ' '."
        )
    if not len(rows.ids):
        raise DataError(f"{rows.name} has a header but no rows. Give a table with some.")
    target = _column(recipe.target or "-1", columns, setting="data.target", name=rows.name)
    group = _column(recipe.group, columns, setting="data.group", name=rows.name) if recipe.group else ""
    left_out = {_column(column, columns, setting="data.drop", name=rows.name) for column in recipe.drop}
    inputs = {name: values for name, values in columns.items() if name not in left_out | {target, group}}
    if target in left_out | {group} or not inputs:
        raise DataError(f"{rows.name}: data.drop and data.group must leave the target and a column to learn from.")
    found = infer(columns[target], name=f"Target {plain(target)!r}", ids=rows.ids, task=task)
    remarks = [*found.remarks, *rows.remarks]
    if group:
        remarks.append(f"Column {plain(group)!r} keeps equal values in one split; it is not an input.")
    return Examples(
        name=rows.name,
        kind="table",
        inputs=Table(inputs),
        targets=found.values,
        task=found.task,
        ids=rows.ids,
        labels=found.labels,
        features=tuple(inputs),
        groups=_groups(columns[group], plain(group), ids=rows.ids) if group else None,
        remarks=tuple(remarks),
    )


def read_rows(path: Path, delimiter: str = "") -> Rows:
    """Read all columns of a table, whatever they mean.

    Raises:
        DataError: if it is empty, ragged or not text; with the line.
        MissingExtraError: for Parquet without polars.
    """
    with open(path, "rb") as file:
        parquet = file.read(4) == b"PAR1"
    return _read_parquet(path) if parquet else _read_text(path, delimiter)


def _read_text(path: Path, delimiter: str) -> Rows:
    name = plain(path.name)
    text = decode_text(path.read_bytes(), name)
    if not text.strip('" \t\r\n'):
        raise DataError(f"{name} is empty. Give a table with a header and rows.")
    rows, lines = _parse(text, _NAMED.get(delimiter, delimiter) or _delimiter(text), name=name)
    header = _has_header(rows)
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
    columns = {column: _typed(values) for column, values in zip(names, cells, strict=True)}
    remarks = [] if header else [f"{name} has no header: its columns are called x0 to x{len(names) - 1}."]
    return Rows(name, Table(columns), ids, (*remarks, *_type_remarks(columns, ids)))


def decode_text(data: bytes, name: str) -> str:
    """Return UTF-8 or UTF-16 as text.

    Raises:
        DataError: for bytes that are neither, with the line.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise DataError(f"{name}, line {line}: must be text, got a NUL byte. Save it as UTF-8 text.")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise DataError(
            f"{name}, line {line}: must be UTF-8 text, got the byte 0x{data[problem.start]:02x}. "
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
                "Correct the line, or quote cells that hold the delimiter."
            )
    return rows, lines


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first rows into the most cells, equally many in nearly each."""
    sample = list(islice(io.StringIO(text, newline=""), _SAMPLE))
    widths = {delimiter: _width(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: widths[delimiter])
    return best if widths[best] > 1 else max(_DELIMITERS, key=sample[0].count)


def _width(sample: Sequence[str], delimiter: str) -> int:
    """Return how many cells nearly every line has, or 0 if lines differ."""
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter, skipinitialspace=True) if row]
    except csv.Error:
        return 0
    width, count = Counter(widths).most_common(1)[0] if widths else (0, 0)
    return width if count >= 0.9 * len(widths) else 0


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns.

    It does if no cell of it is a number while some column below is numbers; in a table of text only, if its cells
    are known, differ from one another and none occurs again below.
    """
    first, sample = rows[0], rows[1:_SAMPLE]
    if not all(_number(cell) is None or cell.lower() in _MISSING for cell in first):
        return False
    below = [_typed(values) for values in zip(*sample, strict=True)]
    if any(values.dtype != object and not missing(values).all() for values in below):
        return True
    if not all(first) or len(set(first)) < len(first):
        return False
    return not any(cell in values for cell, values in zip(first, below, strict=False))


def _number(cell: str) -> float | None:
    """Return a cell's number, NaN if it is missing, None if it is text."""
    if cell.lower() in _MISSING:
        return math.nan
    try:
        return None if "_" in cell else float(cell)  # Python reads 1_2 as 12
    except ValueError:
        return None


def _typed(cells: Sequence[str]) -> Array:
    """Return numbers if every known cell is one, else text."""
    numbers = {cell: _number(cell) for cell in set(cells)}
    if None not in numbers.values():
        return np.array([numbers[cell] for cell in cells], dtype=np.float64)
    absent = {cell for cell, number in numbers.items() if number is not None and math.isnan(number)}
    return np.array([None if cell in absent else cell for cell in cells], dtype=object)


def _type_remarks(columns: dict[str, Array], ids: Sequence[str]) -> Iterable[str]:
    """Say where a column is text only because of a few cells."""
    for name, values in columns.items():
        if values.dtype != object:
            continue
        different = set(values.tolist()) - {None}
        text = {value for value in different if _number(value) is None}
        words: Array = np.array([value in text for value in values.tolist()], dtype=bool)
        if 0 < words.sum() <= 0.1 * (~missing(values)).sum():
            example = plain(values[words][0])
            yield f"Column {plain(name)!r} is text because of cells like {example!r}: {listing(ids, words)}."


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
        raise MissingExtraError("Reading Parquet", "polars", "tables") from None
    name = plain(path.name)
    try:
        frame = polars.read_parquet(path, glob=False)
    except (Exception, polars.exceptions.PanicException) as problem:  # damaged bytes make it raise almost anything
        reason = plain(str(problem))[:200]
        raise DataError(f"{name} must be a whole Parquet file, but cannot be read: {reason}. Write it again.") from None
    columns = {column: _from_polars(frame[column], name) for column in frame.columns}
    return Rows(name, Table(columns), numbered("row", len(frame)))


def _from_polars(series: Any, name: str) -> Array:
    import polars

    if series.dtype.is_numeric():
        return np.array(series.cast(polars.Float64).fill_null(math.nan).to_numpy(), dtype=np.float64)
    if series.dtype in (polars.String, polars.Categorical, polars.Enum, polars.Boolean, polars.Null):
        texts = series.cast(polars.String).to_list()
        return np.array([None if text is None or text.lower() in _MISSING else text for text in texts], dtype=object)
    raise DataError(
        f"Column {plain(series.name)!r} of {name} must hold numbers, text or truth values, got {series.dtype}. "
        "Convert it or delete it from the file."
    )
