from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping

import numpy as np
import pytest

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.prepare import Preparation
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

STANDARDISE, NONE = DataRecipe(), DataRecipe(prepare="none")


def of_table(columns: Mapping[str, list[object]], targets: Array | None = None) -> Examples:
    rows = len(next(iter(columns.values())))
    arrays = {
        name: np.array(values, dtype=object if any(isinstance(value, str) for value in values) else np.float64)
        for name, values in columns.items()
    }
    regressed = np.arange(rows, dtype=np.float32) if targets is None else targets
    return Examples(
        "toy", KINDS["table"], Table(arrays), regressed, "numbers", numbered("row", rows), (), tuple(columns)
    )


MIXED = of_table({"age": [1.0, math.nan, 3.0, 100.0], "town": ["Rome", None, "Rome", "Oslo"], "same": [5.0] * 4})


def test_a_table_becomes_numbers() -> None:
    prepared = Preparation.fit(MIXED, np.arange(3), recipe=STANDARDISE)
    assert prepared.feature_names == ("age", "age missing", "town = Rome", "town missing")
    assert prepared.input_shape == (4,)
    assert prepared.remarks == (
        "Column 'same' is dropped: it is empty, constant, or text with hardly any repeated value.",
    )
    inputs = prepared.inputs(MIXED.inputs)
    std = np.std([1, 2, 3])
    expected = [[-1 / std, 0, 1, 0], [0, 1, 0, 1], [1 / std, 0, 1, 0], [98 / std, 0, 0, 0]]
    np.testing.assert_allclose(inputs, expected, rtol=1e-6)
    assert inputs.dtype == np.float32


def test_without_standardising_numbers_stay() -> None:
    prepared = Preparation.fit(MIXED, np.arange(3), recipe=NONE)
    assert prepared.inputs(MIXED.inputs)[:, 0].tolist() == [1, 2, 3, 100]


def test_small_differences_between_large_numbers_are_not_rounding() -> None:
    examples = of_table({"when": [1.7e9 + i for i in range(160)], "same": [0.1] * 160}, 1.7e9 + np.arange(160.0))
    prepared = Preparation.fit(examples, np.arange(160), recipe=STANDARDISE)
    expected = (np.arange(160) - 79.5) / np.std(np.arange(160))
    np.testing.assert_allclose(prepared.inputs(examples.inputs), expected[:, np.newaxis], rtol=1e-5)
    offset = (
        np.full((160, 1), 0.1, dtype=np.float32) + np.float32(1e-8) * np.arange(160, dtype=np.float32)[:, np.newaxis]
    )
    assert (
        Preparation.fit(from_arrays(offset, np.arange(160) % 2), np.arange(160), recipe=STANDARDISE).fitted.std[0] > 0
    )
    assert Preparation.fit(
        from_arrays(offset[:, [0]] * 0 + 0.1, np.arange(160) % 2), np.arange(160), recipe=STANDARDISE
    ).fitted.std == (0,)


def test_a_constant_column_with_gaps_keeps_only_the_gaps() -> None:
    examples = of_table({"a": [5.0, math.nan, 5.0, 1e9], "b": [1.0, 2.0, 3.0, 4.0]})
    inputs = Preparation.fit(examples, np.arange(3), recipe=STANDARDISE).inputs(examples.inputs)
    assert inputs[:, :2].tolist() == [[0, 0], [0, 1], [0, 0], [0, 0]]


def test_rare_and_unknown_categories_are_zeros() -> None:
    examples = of_table({"x": ["a"] * 3 + ["b"] * 2 + ["c"]})
    prepared = Preparation.fit(examples, np.arange(6), recipe=STANDARDISE)
    assert prepared.feature_names == ("x = a", "x = b")
    new = Table({"x": np.array(["b", "c", "never seen", None], dtype=object)})
    assert prepared.inputs(new).tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]


def test_many_categories_are_bounded() -> None:
    examples = of_table({"x": [f"c{i // 2}" for i in range(400)]})
    assert Preparation.fit(examples, np.arange(400), recipe=STANDARDISE).input_shape == (100,)


def test_categories_that_look_like_numbers_in_new_rows() -> None:
    examples = of_table({"x": ["1", "1", "a", "a"]})
    prepared = Preparation.fit(examples, np.arange(4), recipe=STANDARDISE)
    assert prepared.inputs(Table({"x": np.array([1.0, 2.0])})).tolist() == [[1, 0], [0, 0]]


def test_numbers_that_are_all_missing_in_new_rows() -> None:
    examples = of_table({"x": [1.0, 2.0, 3.0]})
    prepared = Preparation.fit(examples, np.arange(3), recipe=STANDARDISE)
    assert prepared.inputs(Table({"x": np.array([None, None], dtype=object)})).tolist() == [[0], [0]]


def test_new_tables_may_have_more_columns_in_any_order_but_not_fewer() -> None:
    prepared = Preparation.fit(MIXED, np.arange(3), recipe=STANDARDISE)
    columns = {"extra": np.zeros(4), **dict(reversed(MIXED.inputs.columns.items()))}  # type: ignore[union-attr]
    np.testing.assert_array_equal(prepared.inputs(Table(columns)), prepared.inputs(MIXED.inputs))
    with pytest.raises(
        DataError, match="must have the column 'age' as in training, got 'agee', 'town'. Did you mean 'agee'"
    ):
        prepared.inputs(Table({"agee": np.zeros(1), "town": np.zeros(1)}))
    with pytest.raises(DataError, match="Column 'age' must contain finite numbers"):
        prepared.inputs(Table({"age": np.array([1e300]), "town": np.zeros(1)}))
    with pytest.raises(DataError, match="Column 'age' must contain numbers as in training, got text"):
        prepared.inputs(Table({"age": np.array(["x"], dtype=object), "town": np.zeros(1)}))


def test_a_table_with_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="toy must have a column to learn from, but a, b are empty, constant or text"):
        Preparation.fit(of_table({"a": [1.0, 1.0], "b": ["x", "y"]}), np.arange(2), recipe=STANDARDISE)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_standardised_per_channel(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 5, channels), dtype=np.uint8)
    examples = from_arrays(images, np.arange(50) % 2)
    prepared = Preparation.fit(examples, np.arange(40), recipe=STANDARDISE)
    scaled = images[:40] / 255
    np.testing.assert_allclose(prepared.fitted.mean, scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(prepared.fitted.std, scaled.std(axis=(0, 1, 2)), rtol=1e-12)
    inputs = prepared.inputs(images)
    assert inputs.shape == (50, *prepared.input_shape) == (50, channels, 4, 5)
    assert inputs.dtype == np.float32 and inputs.flags.c_contiguous
    expected = (np.moveaxis(images, -1, 1) / 255 - np.reshape(prepared.fitted.mean, (-1, 1, 1))) / np.reshape(
        prepared.fitted.std, (-1, 1, 1)
    )
    np.testing.assert_allclose(inputs, expected, atol=2e-6)


def test_images_without_standardising_lie_between_0_and_1() -> None:
    inputs = Preparation.fit(BUNDLED["digits"](), np.arange(10), recipe=NONE).inputs(BUNDLED["digits"]().inputs)
    assert inputs.min() == 0 and inputs.max() == 1


@pytest.mark.parametrize("shape", [(3,), (3, 7), (3, 4, 4)])
def test_arrays_are_standardised_along_their_first_axis(shape: tuple[int, ...]) -> None:
    numbers = np.random.default_rng(0).normal(5, 3, (60, *shape)).astype(np.float32)
    numbers[:, 0] = 4.25
    prepared = Preparation.fit(from_arrays(numbers, np.arange(60) % 2), np.arange(50), recipe=STANDARDISE)
    new = numbers.copy()
    new[0, 0] = 1e9
    inputs = np.moveaxis(prepared.inputs(new)[:50], 1, 0).reshape(3, -1)
    np.testing.assert_allclose(inputs.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=1), [0, 1, 1], atol=1e-5)
    np.testing.assert_array_equal(
        Preparation.fit(from_arrays(numbers, np.arange(60) % 2), np.arange(50), recipe=NONE).inputs(numbers), numbers
    )


def test_other_shapes_and_kinds_are_refused() -> None:
    prepared = Preparation.fit(BUNDLED["digits"](), np.arange(10), recipe=STANDARDISE)
    with pytest.raises(ShapeError, match=r"images of shape \(8, 8, 1\) as in training, got \(9, 9, 1\)"):
        prepared.inputs(np.zeros((2, 9, 9, 1), np.uint8))


@pytest.mark.parametrize("name", ["digits", "iris", "breast-cancer", "diabetes"])
def test_a_way_through_json_without_loss(name: str) -> None:
    examples = BUNDLED[name]()
    prepared = Preparation.fit(examples, np.arange(0, len(examples), 2), recipe=STANDARDISE)
    restored = Preparation.from_json(json.loads(json.dumps(prepared.to_json(), allow_nan=False)))
    assert restored == prepared
    np.testing.assert_array_equal(restored.inputs(examples.inputs), prepared.inputs(examples.inputs))


@pytest.mark.parametrize("data", [{}, {"columns": [{"nonsense": 1}]}, {"columns": [], "wrong": 1}])
def test_a_damaged_preparation_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(DataError, match="stored preparation cannot be read"):
        Preparation.from_json(data)


def poison(examples: Examples, train: Array) -> Examples:
    """Replace everything outside the training rows by what would spoil any statistic."""
    others = np.setdiff1d(np.arange(len(examples)), train)
    targets = examples.targets.copy()
    targets[others] = 1e30 if examples.target_type == "numbers" else targets[others][::-1]
    if isinstance(examples.inputs, Table):
        columns = {}
        for name, values in examples.inputs.columns.items():
            columns[name] = values.copy()
            columns[name][others] = "poison" if values.dtype == object else np.where(others % 2, np.nan, 1e30)
        return dataclasses.replace(examples, inputs=Table(columns), targets=targets)
    inputs = examples.inputs.copy()
    inputs[others] = 255 if examples.kind.is_spatial else 1e30
    return dataclasses.replace(examples, inputs=inputs, targets=targets)


SPIED = {
    "table": of_table({"a": list(np.linspace(0, 1, 40)), "b": ["x", "y"] * 20}),
    "regression": BUNDLED["diabetes"](),
    "image": BUNDLED["digits"](),
    "array": from_arrays(np.random.default_rng(0).normal(size=(40, 3, 2)), np.arange(40) % 2),
}


@pytest.mark.parametrize("kind", SPIED)
def test_nothing_outside_the_training_split_is_looked_at(kind: str) -> None:
    examples = SPIED[kind]
    train = np.sort(np.random.default_rng(1).permutation(len(examples))[: len(examples) // 2])
    fitted = Preparation.fit(examples, train, recipe=STANDARDISE)
    assert Preparation.fit(poison(examples, train), train, recipe=STANDARDISE) == fitted
    spoilt = Preparation.fit(poison(examples, train), np.arange(len(examples)), recipe=STANDARDISE)
    assert spoilt != fitted  # the poison works
