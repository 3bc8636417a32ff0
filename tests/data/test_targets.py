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
        (["b", "a", "b", "a"], "binary", ("a", "b")),
        (["b", "a", "c"] * 2, "classify", ("a", "b", "c")),
        ([0, 1, 1, 0], "binary", ("0", "1")),
        ([-1, 1, 1, -1], "binary", ("-1", "1")),
        ([True, False] * 2, "binary", ("False", "True")),
        ([1.0, 2.0, 3.0] * 2, "classify", ("1", "2", "3")),
        ([3, 8, 5] * 2, "classify", ("3", "5", "8")),
        ([0.5, 1.0, 2.0], "regress", ()),
        (np.arange(21.0), "regress", ()),
        (np.arange(20.0), "classify", tuple(map(str, range(20)))),
        (np.arange(100) // 2, "classify", tuple(map(str, range(50)))),
        (np.arange(100), "regress", ()),
        ([[1, 0, 1], [1, 0, 0]], "multilabel", ("0", "1", "2")),
        ([[1, 0, 0], [0, 0, 1], [0, 1, 0]], "classify", ("0", "1", "2")),
        ([[0.5, 1.0], [0.1, 2.0]], "regress", ()),
        ([[1.5], [2.5], [3.5]], "regress", ()),
    ],
)
def test_what_is_inferred(values: object, task: str, labels: tuple[str, ...]) -> None:
    found = read(values)
    assert (found.task, found.labels) == (task, labels)
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
    assert read([3, 8, 5] * 2, task="regress").task == "regress"
    assert read(np.arange(100), task="classify").task == "classify"
    assert read([[1, 0], [0, 1], [0, 1]], task="regress").task == "regress"
    assert read([[1, 0], [0, 1], [0, 1]], task="multilabel").task == "multilabel"


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
    with pytest.raises(DataError, match="must hold numbers to be regressed, got 'a'"):
        read(["a", "b"], task="regress")


def test_class_name() -> None:
    assert [class_name(value) for value in (1e6, 0.5, 7, "x")] == ["1000000", "0.5", "7", "x"]
