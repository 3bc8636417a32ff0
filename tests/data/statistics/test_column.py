from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.statistics.column import Column


def filled(column: Column, values: np.ndarray) -> list[list[float]]:
    out = np.zeros((len(values), len(column.features)), dtype=np.float32)
    column.fill(values, out)
    return out.tolist()


def test_a_missing_number_gets_the_median_and_an_input_that_says_so() -> None:
    column = Column.fit("age", np.array([1.0, 2.0, 9.0, np.nan]), method="none")
    assert column is not None and column.features == ("age", "age missing") and column.centre == 2.0
    assert filled(column, np.array([np.nan, 5.0])) == [[2, 1], [5, 0]]


def test_categories_are_those_that_occur_twice_most_frequent_first() -> None:
    values = np.array(["b", "a", "b", "c", "a", "b"], dtype=object)
    column = Column.fit("x", values, method="standardise")
    assert column is not None and column.categories == ("b", "a")
    assert filled(column, np.array(["a", "c", None], dtype=object)) == [[0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("values", [np.full(3, 4.0), np.full(3, np.nan), np.array(["a", "b", None], dtype=object)])
def test_a_column_without_anything_to_learn_is_left_out(values: np.ndarray) -> None:
    assert Column.fit("x", values, method="standardise") is None


def test_text_where_numbers_were_is_refused() -> None:
    column = Column.fit("x", np.array([1.0, 2.0]), method="standardise")
    assert column is not None
    with pytest.raises(DataError, match="'x' must contain numbers as in training, got text"):
        filled(column, np.array(["a"], dtype=object))
