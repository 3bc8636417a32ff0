from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import DataError
from trainwell.data.targets import Targets, class_name, infer
from trainwell.data.values.naming import numbered


def read(values: object, **options: str) -> Targets:
    raw = np.array(values)
    return infer(raw, name="Target 'y'", ids=numbered("row", len(raw)), **options)


@pytest.mark.parametrize(
    ("values", "task", "labels"),
    [
        (["b", "a", "b", "a"], "classes", ("a", "b")),
        (["b", "a", "c"] * 2, "classes", ("a", "b", "c")),
        ([0, 1, 1, 0], "classes", ("0", "1")),
        ([-1, 1, 1, -1], "classes", ("-1", "1")),
        ([True, False] * 2, "classes", ("False", "True")),
        ([1.0, 2.0, 3.0] * 2, "classes", ("1", "2", "3")),
        ([3, 8, 5] * 2, "classes", ("3", "5", "8")),
        ([0.5, 1.0, 2.0], "numbers", ()),
        (np.arange(21.0), "numbers", ()),
        (np.arange(20.0), "classes", tuple(map(str, range(20)))),
        (np.arange(100) // 2, "classes", tuple(map(str, range(50)))),
        (np.arange(100), "numbers", ()),
        ([[1, 0, 1], [1, 0, 0]], "label sets", ("0", "1", "2")),
        ([[1, 0, 0], [0, 0, 1], [0, 1, 0]], "classes", ("0", "1", "2")),
        ([[0.5, 1.0], [0.1, 2.0]], "numbers", ()),
        ([[1.5], [2.5], [3.5]], "numbers", ()),
    ],
)
def test_what_is_inferred(values: object, task: str, labels: tuple[str, ...]) -> None:
    found = read(values)
    assert (found.target_type, found.labels) == (task, labels)
    assert found.remarks and all(remark.endswith(".") for remark in found.remarks)


def test_types_and_values() -> None:
    assert read(["b", "a", "b", "a"]).values.tolist() == [1, 0, 1, 0]
    assert read(["b", "a", "b", "a"]).values.dtype == np.int64
    assert read([0.5, 1.5]).values.dtype == np.float32
    assert np.ptp(read(1.7e9 + np.arange(40) / 4).values) == 9.75  # float32 would round by 64
    assert read([[1.5], [2.5]]).values.shape == (2,)
    assert read([[1, 0, 1], [1, 0, 0]]).values.dtype == np.uint8
    assert read([[1, 0, 0], [0, 0, 1], [0, 1, 0]]).values.tolist() == [0, 2, 1]


def test_the_user_may_decide() -> None:
    assert read([3, 8, 5] * 2, target_type="numbers").target_type == "numbers"
    assert read(np.arange(100), target_type="classes").target_type == "classes"
    assert read([[1, 0], [0, 1], [0, 1]], target_type="numbers").target_type == "numbers"
    assert read([[1, 0], [0, 1], [0, 1]], target_type="label sets").target_type == "label sets"


def test_what_is_said_aloud() -> None:
    assert read(["<=50K", ">50K"] * 2).remarks == ("Target 'y' has 2 different values: binary classification.",)
    assert read(np.arange(3000.0)).remarks == ("Target 'y' is a number with 3,000 different values: regression.",)


def test_lonely_classes_are_mentioned() -> None:
    assert "A single example of class 'c'" in read(["a", "a", "b", "b", "c"]).remarks[1]
    assert "each of 2 classes ('b', ...)" in read(["a", "a", "b", "c"]).remarks[1]


@pytest.mark.parametrize(
    "values", [[1.0, np.nan, 2.0], np.array(["a", None, "b"], dtype=object), [[1.0, 2], [3, np.nan], [0, 0]]]
)
def test_a_missing_target_is_refused_with_its_row(values: object) -> None:
    with pytest.raises(DataError, match=r"missing in row 1 \(1 of 3\)"):
        read(values)


@pytest.mark.parametrize("values", [[1.0, np.inf, 2.0], [0.5, -np.inf, 2.0], [[1.0, 2], [3, np.inf], [0, 0]]])
def test_an_infinite_target_is_refused_with_its_row(values: object) -> None:
    with pytest.raises(DataError, match=r"must be finite, got infinity in row 1 \(1 of 3\)"):
        read(values)


def test_text_cannot_be_regressed() -> None:
    with pytest.raises(DataError, match="must be numeric for regression, got 'a'"):
        read(["a", "b"], target_type="numbers")


def test_class_name() -> None:
    assert [class_name(value) for value in (1e6, 0.5, 7, "x")] == ["1000000", "0.5", "7", "x"]
