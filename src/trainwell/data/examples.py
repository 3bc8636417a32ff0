"""What a reader returns: examples as they are, nothing fitted, nothing shuffled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, ShapeError
from trainwell.core.files import plain

Array = NDArray[Any]
TRAIN, VALIDATION, TEST = 0, 1, 2  # the values of `Examples.given`

# An array larger than this is fingerprinted by as many bytes in evenly spaced blocks: 75 ms at 860 MB/s.
_HASHED_BYTES, _BLOCK = 1 << 26, 1 << 16
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, indexed by rows.

    Args:
        columns: name to (rows,) values: float64 with NaN where missing, or objects: text, None where missing.

    >>> table = Table({"age": np.array([30.0, np.nan]), "town": np.array(["Rome", None], dtype=object)})
    >>> len(table), table[np.array([1])].columns["age"], table.is_numeric("town")
    (2, array([nan]), False)
    """

    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, rows: Array | slice) -> Table:
        return Table({name: values[rows] for name, values in self.columns.items()})

    def is_numeric(self, name: str) -> bool:
        """Tell whether a column holds numbers rather than text."""
        return self.columns[name].dtype != object


@dataclass(frozen=True)
class Examples:
    """Inputs and targets with their names, checked once when they are made.

    Args:
        name: what the data set is called in sentences.
        kind: "table", "picture" or "array".
        inputs: a `Table`; uint8 (N, H, W, C) pictures, C = 1 or 3; or float32 (N, ...).
        targets: int64 (N,) class numbers, float32 (N,) or (N, k) (float64 where float32 cannot tell them
            apart), or uint8 (N, k) of zeros and ones.
        task: "classify", "binary", "regress" or "multilabel".
        ids: a name for each example, for reports: its line or its file.
        labels: names of the classes, in the order of their numbers; empty for regression.
        features: names of the inputs; empty for pictures.
        groups: (N,) numbers; examples of equal number never straddle two splits.
        given: (N,) int8, the split that came with the data (0 train, 1 validation, 2 test), or None.
        remarks: sentences said aloud about what was inferred.
    Raises:
        DataError: if there is no example, a number is not finite, a class number is out of range or alone.
        ShapeError: if lengths differ.
    """

    name: str
    kind: str
    inputs: Table | Array
    targets: Array
    task: str
    ids: Sequence[str] = field(repr=False)
    labels: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    groups: Array | None = None
    given: Array | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.targets):
            raise DataError(f"{self.name} holds no examples. Give a data set with some.")
        parts = {"inputs": self.inputs, "ids": self.ids, "groups": self.groups, "given": self.given}
        for part, values in parts.items():
            if values is not None and len(values) != len(self.targets):
                raise ShapeError(
                    f"{self.name}: {part} and targets must have the same length, "
                    f"got {len(values):,} and {len(self.targets):,}. Give one target for each example."
                )
        if self._has_classes:
            self._check_classes()
        self._check_finite()

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def class_numbers(self) -> Array | None:
        """The class of each example, (N,) int64, or None where there is no single class."""
        return self.targets if self._has_classes else None

    @property
    def numeric_target(self) -> bool:
        """Whether the targets are numbers."""
        return not self.labels

    @property
    def _has_classes(self) -> bool:
        return bool(self.labels) and self.targets.ndim == 1

    def fingerprint(self) -> str:
        """Return a SHA-256 of the content, in hexadecimal; names and remarks do not enter.

        Arrays of more than 64 MiB are sampled: 1,024 evenly spaced blocks of 64 KiB, the first and the last included.
        """
        digest = hashlib.sha256(repr((self.kind, self.task, self.labels, self.features)).encode())
        table = self.inputs.columns if isinstance(self.inputs, Table) else {"": self.inputs}
        for values in (*table.values(), self.targets, self.groups, self.given):
            _hash(values, digest.update)
        return digest.hexdigest()

    def _check_classes(self) -> None:
        outside = (self.targets < 0) | (self.targets >= len(self.labels))
        if outside.any():
            raise DataError(
                f"{self.name}: class numbers must lie between 0 and {len(self.labels) - 1}, "
                f"got {self.targets[outside][0]} in {listing(self.ids, outside)}. Correct the labels."
            )
        if np.ptp(self.targets) == 0:
            raise DataError(
                f"{self.name} has one class only, {self.labels[self.targets[0]]!r}: nothing can be told apart. "
                "Give examples of at least two classes, or choose another target."
            )

    def _check_finite(self) -> None:
        if isinstance(self.inputs, Table):
            for name, values in self.inputs.columns.items():
                infinite = np.abs(values) > _LARGEST if self.inputs.is_numeric(name) else np.zeros(0, dtype=bool)
                if infinite.any():
                    raise DataError(
                        f"Column {name!r} of {self.name} must hold finite numbers (at most 3.4e38), got more in "
                        f"{listing(self.ids, infinite)}. Correct these rows, or leave the column out with data.drop."
                    )
        for part, numbers in (("inputs", self.inputs), ("targets", self.targets)):
            if isinstance(numbers, np.ndarray) and numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
                broken = np.array([not np.isfinite(example).all() for example in numbers])
                raise DataError(
                    f"The {part} of {self.name} must be finite numbers, got NaN or infinity in "
                    f"{listing(self.ids, broken)}. Correct or delete these examples."
                )


def missing(values: Array) -> NDArray[np.bool_]:
    """Tell which examples lack a value: None among objects, NaN among numbers.

    >>> missing(np.array(["a", None], dtype=object))
    array([False,  True])
    """
    if values.dtype == object:
        return np.fromiter((value is None for value in values.flat), bool, values.size).reshape(values.shape)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)


def listing(names: Sequence[str], chosen: Array, most: int = 5) -> str:
    """Name the first few of the chosen examples and count the others.

    >>> listing(["line 2", "line 3", "line 4"], np.array([True, False, True]), most=1)
    'line 2 and 1 more (2 of 3)'
    """
    found = np.flatnonzero(chosen)
    return f"{shorten((names[i] for i in found[:most]), len(found))} ({len(found):,} of {len(names):,})"


def shorten(names: Iterable[str], total: int, most: int = 5) -> str:
    """Join the first few names, safe to print, and say how many more there are.

    >>> shorten(["a", "b", "c"], 3, most=2)
    'a, b and 1 more'
    """
    few = [plain(name) for name in islice(names, most)]
    return ", ".join(few) + (f" and {total - len(few):,} more" if total > len(few) else "")


def numbered(prefix: str, count: int) -> tuple[str, ...]:
    """Name examples by their number, from 0.

    >>> numbered("row", 2)
    ('row 0', 'row 1')
    """
    return tuple(f"{prefix} {number}" for number in range(count))


def _hash(values: Array | None, update: Callable[[bytes], object]) -> None:
    if values is None:
        update(b"none")
        return
    update(repr((values.dtype.str, values.shape)).encode())
    if values.dtype == object:
        update("\x1f".join("\x1e" if value is None else value for value in values).encode("utf-8", "surrogatepass"))
    elif values.nbytes <= _HASHED_BYTES:
        update(np.ascontiguousarray(values).tobytes())
    else:
        flat = values.reshape(-1).view(np.uint8)
        for start in np.linspace(0, flat.size - _BLOCK, _HASHED_BYTES // _BLOCK, dtype=np.int64):
            update(flat[start : start + _BLOCK].tobytes())
