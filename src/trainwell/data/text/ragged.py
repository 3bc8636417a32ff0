"""Rows of different lengths in one array: values, and the offsets at which rows begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths; a million short rows need memory for their values and one offset each.

    Args:
        values: (all positions, ...) the rows one after the other.
        offsets: (rows + 1,) int64; row i is `values[offsets[i] : offsets[i + 1]]`.
    Raises:
        ValueError: if the offsets do not begin at 0, decrease, or do not end at the number of values.

    >>> ragged = Ragged.of([[1, 2, 3], [], [4]])
    >>> len(ragged), ragged.lengths.tolist(), ragged.row(2).tolist(), ragged[np.array([2, 0])].values.tolist()
    (3, [3, 0, 1], [4], [4, 1, 2, 3])
    """

    values: Array
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        begins_and_ends = len(self.offsets) and self.offsets[0] == 0 and self.offsets[-1] == len(self.values)
        if not begins_and_ends or (np.diff(self.offsets) < 0).any():
            raise ValueError(
                f"offsets must increase from 0 to the number of values, {len(self.values)}, got {self.offsets[:5]} ..."
            )

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any] | Array], *, dtype: Any = np.int64) -> Ragged:
        """Return rows as one array.

        Args:
            rows: sequences of numbers.
            dtype: of the values.
        """
        parts = [np.asarray(row, dtype=dtype) for row in rows]
        lengths = np.fromiter((len(part) for part in parts), np.int64, len(parts))
        values = np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
        return cls(values, np.concatenate([np.zeros(1, np.int64), lengths.cumsum()]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Array]:
        return (self.row(number) for number in range(len(self)))

    def __getitem__(self, rows: Array | slice) -> Ragged:
        chosen = np.arange(len(self))[rows]
        lengths = self.lengths[chosen]
        offsets = np.concatenate([np.zeros(1, np.int64), lengths.cumsum()])
        places = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[chosen], lengths)
        return Ragged(self.values[places], offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of values of each row, (rows,)."""
        return np.diff(self.offsets)

    def row(self, number: int) -> Array:
        """Return the values of one row, as a view."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def padded(self, rows: Array, *, fill: float = 0, longest: int = 0) -> tuple[Array, NDArray[np.bool_]]:
        """Return some rows, padded at the end.

        Args:
            rows: (batch,) indices of the rows.
            fill: value of the padding.
            longest: maximum length, to which rows are truncated at the end; 0 for no limit.
        Returns:
            (batch, length, ...) values and a (batch, length) mask, True for values and False for padding; the length
            is that of the longest row, and at least 1.
        """
        lengths = self.lengths[rows]
        if longest:
            lengths = np.minimum(lengths, longest)
        width = max(1, int(lengths.max(initial=0)))
        mask = np.arange(width) < lengths[:, None]
        out = np.full((len(lengths), width, *self.values.shape[1:]), fill, dtype=self.values.dtype)
        places = self.offsets[np.asarray(rows)][:, None] + np.arange(width)
        out[mask] = self.values[places[mask]]
        return out, mask
