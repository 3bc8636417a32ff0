"""Named columns of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainwell.data.values.missing import Array


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, indexed by rows.

    Args:
        columns: name to (rows,) values: float64 with NaN where missing, or objects: text, None where missing.

    >>> import numpy as np
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
        """Return whether a column is numeric."""
        return self.columns[name].dtype != object
