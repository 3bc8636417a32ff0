from __future__ import annotations

import numpy as np

from trainwell.data.values.table import Table


def test_rows_of_a_table() -> None:
    rows = Table({"a": np.array([1.0, 2.0, 3.0]), "b": np.array(["x", "y", None], dtype=object)})[np.array([2, 0])]
    assert len(rows) == 2
    assert rows.columns["a"].tolist() == [3, 1]
    assert rows.columns["b"].tolist() == [None, "x"]
    assert rows.is_numeric("a") and not rows.is_numeric("b")
    assert len(Table({})) == 0
