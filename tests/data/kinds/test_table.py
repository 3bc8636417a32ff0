from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.kinds import KINDS
from trainwell.data.kinds.table import TablePreparation, exact_codes
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

TABLE = KINDS["table"]
INPUTS = Table(
    {
        "age": np.array([1.0, np.nan, 3.0, 3.0]),
        "town": np.array(["Rome", None, "Rome", "Oslo"], dtype=object),
        "same": np.full(4, 2.0),
    }
)


def test_infinite_numbers_are_refused_missing_ones_are_not() -> None:
    ids = ("a", "b", "c", "d")
    TABLE.check(INPUTS, name="toy", ids=ids)
    infinite = Table({"age": np.array([1.0, np.inf])})
    with pytest.raises(DataError, match="Column 'age' of toy must contain finite numbers"):
        TABLE.check(infinite, name="toy", ids=ids[:2])
    with pytest.raises(DataError, match=r"age must be finite numbers to predict on, got infinity in b \(1 of 2\)"):
        TABLE.check_new(infinite, ids=ids[:2])


def test_an_array_is_not_prepared_as_a_table() -> None:
    with pytest.raises(ShapeError, match=r"must be a table with the columns of training, got an array of shape \(2,"):
        TablePreparation((3,)).arrays(np.zeros((2, 3), np.float32))


def test_categories_are_measured_by_rank_and_only_numbers_are_quantities() -> None:
    measured = TABLE.measure(INPUTS, (), most=100)
    assert measured["age"].is_quantity and not measured["town"].is_quantity
    np.testing.assert_array_equal(measured["town"].values, [0, np.nan, 0, 1])
    assert list(TABLE.measure(INPUTS, (), most=1)) == ["age"]


def test_missing_values_and_zeros_of_both_signs_are_equal() -> None:
    codes = exact_codes(np.array([np.nan, -np.nan, 0.0, -0.0, 1.0])).tolist()
    assert codes[0] == codes[1] and codes[2] == codes[3] and len(set(codes)) == 3


def test_constant_columns_and_gaps_are_found() -> None:
    assert list(TABLE.constant_features(INPUTS, np.arange(4), features=())) == ["same"]
    (finding,) = TABLE.findings(INPUTS, ids=(), measured={})
    assert finding.rule == "missing_values" and finding.where == ("age", "town")


def test_texts_are_columns_of_sentences() -> None:
    assert TABLE.texts(INPUTS) is None
    said = Table({"said": np.array(["a long day", "no good at all", None], dtype=object)})
    assert TABLE.texts(said) == [("a long day",), ("no good at all",), (None,)]


def test_a_view_is_the_row_and_flat_rows_are_prepared() -> None:
    (view,) = TABLE.view(INPUTS, [3])
    assert view.pixels is None and view.values == {"age": 3.0, "town": "Oslo", "same": 2.0}
    assert TABLE.flat(INPUTS, np.arange(4), name="toy").shape == (4, 4)


def test_a_table_is_adopted_by_its_columns() -> None:
    fitted, remarks = TABLE.fit(INPUTS, np.arange(4), settings=DataRecipe(), name="toy", features=())
    assert fitted.adopted(TablePreparation((9,))) is fitted
    assert remarks == ("Column 'same' is dropped: it is empty, constant, or text with hardly any repeated value.",)
