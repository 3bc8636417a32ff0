from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.sources.column_types import has_header, number_in, replace_decimal_commas, type_remarks, typed


@pytest.mark.parametrize(
    ("cell", "value"), [("1", 1.0), ("-2.5e3", -2500.0), ("1_2", None), ("red", None), ("1,5", None)]
)
def test_a_cell_is_a_number_or_text(cell: str, value: float | None) -> None:
    assert number_in(cell) == value


@pytest.mark.parametrize("cell", ["", "?", "NA", "n/a", "NaN", "null", "None"])
def test_missing_cells_are_nan(cell: str) -> None:
    assert math.isnan(number_in(cell) or 0.0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_column_of_numbers_keeps_them(values: list[float]) -> None:
    assert typed([repr(value) for value in values]).tolist() == values


def test_one_word_makes_a_column_text_and_missing_stays_missing() -> None:
    column = typed(["1", "two", "?"])
    assert column.dtype == object and column.tolist() == ["1", "two", None]


def test_a_remark_names_the_cells_that_make_a_column_text() -> None:
    column = typed([*map(str, range(30)), "twelve"])
    (remark,) = type_remarks({"a": column}, [str(number) for number in range(31)])
    assert "'twelve'" in remark and "'a'" in remark
    assert not list(type_remarks({"b": np.array([1.0, 2.0])}, ["0", "1"]))


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([["a", "b"], ["1", "2"]], True),
        ([["1", "2"], ["3", "4"]], False),
        ([["0", "1", "2", "3"], ["5", "5", "5", "5"]], True),
        ([["red", "x"], ["red", "y"]], False),
        ([["colour", "shape"], ["red", "round"], ["red", "square"]], True),
    ],
)
def test_the_header(rows: list[list[str]], answer: bool) -> None:
    assert has_header(rows) is answer


def test_decimal_commas_become_points_only_in_columns_of_numbers() -> None:
    rows = [["1,5", "a,b"], ["2,25", "c"]]
    remarks = replace_decimal_commas(rows, set(), thousands=False)
    assert rows == [["1.5", "a,b"], ["2.25", "c"]] and len(remarks) == 1


def test_thousands_are_not_decimals() -> None:
    rows = [["1,500"], ["2,250"]]
    assert replace_decimal_commas(rows, set(), thousands=True) == [] and rows == [["1,500"], ["2,250"]]
