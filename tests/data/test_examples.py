from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table


def make(**changes: object) -> Examples:
    whole = Examples(
        name="toy",
        kind=KINDS["array"],
        inputs=np.arange(8, dtype=np.float32).reshape(4, 2),
        targets=np.array([0, 1, 0, 1]),
        target_type="classes",
        ids=numbered("row", 4),
        labels=("no", "yes"),
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def table(**columns: object) -> Table:
    return Table({name: np.asarray(values) for name, values in columns.items()})


def test_length_and_class_numbers() -> None:
    assert len(make()) == 4
    assert make().class_numbers is not None
    assert make(target_type="numbers", labels=(), targets=np.ones(4, dtype=np.float32)).class_numbers is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"targets": np.zeros(0, np.int64)}, "toy has no examples"),
        ({"inputs": np.zeros((3, 2), np.float32)}, "inputs and targets must have the same length, got 3 and 4"),
        ({"ids": ("a",)}, "ids and targets must have the same length, got 1 and 4"),
        ({"groups": np.zeros(5)}, "groups and targets must have the same length"),
        ({"given": np.zeros(5)}, "given and targets must have the same length"),
        ({"targets": np.array([0, 1, 2, 1])}, "must be between 0 and 1, got 2 in row 2 (1 of 4)"),
        ({"targets": np.array([0, 1, -1, -1])}, "got -1 in row 2, row 3 (2 of 4)"),
        ({"targets": np.array([1, 1, 1, 1])}, "has a single class, 'yes'"),
        (
            {"inputs": np.array([[1, np.nan]] * 4, np.float32)},
            "got NaN or infinity in row 0, row 1, row 2, row 3 (4 of 4)",
        ),
        ({"inputs": np.array([[1, 1], [1, np.inf], [1, 1], [1, 1]], np.float32)}, "in row 1 (1 of 4)"),
        (
            {"target_type": "numbers", "labels": (), "targets": np.array([1, np.inf, 1, 1], np.float32)},
            "The targets of toy must be finite",
        ),
        (
            {"kind": KINDS["table"], "inputs": table(age=[1.0, -np.inf, np.nan, 2.0])},
            "Column 'age' of toy must contain finite",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError) as error:
        make(**changes)
    assert sentence in str(error.value)
    assert error.value.exit_code == 65


def test_lengths_that_differ_are_a_shape_error() -> None:
    with pytest.raises(ShapeError):
        make(ids=())


def test_missing_numbers_in_a_table_are_allowed() -> None:
    assert len(make(kind=KINDS["table"], inputs=table(age=[1.0, np.nan, 3.0, 4.0]))) == 4


def test_the_fingerprint_sees_content_and_not_names() -> None:
    same = make().fingerprint()
    assert make(name="other", remarks=("x",), ids=numbered("line", 4)).fingerprint() == same
    changed = make().inputs.copy()
    changed[3, 1] += 1
    different = [
        make(inputs=changed),
        make(targets=np.array([0, 1, 1, 1])),
        make(labels=("no", "maybe")),
        make(groups=np.array([0, 0, 1, 1])),
        make(given=np.array([0, 0, 0, 2])),
        make(inputs=make().inputs.reshape(4, 1, 2)),
    ]
    assert len({same, *(examples.fingerprint() for examples in different)}) == 7


def test_the_fingerprint_tells_missing_text_from_text() -> None:
    columns = [np.array(["a", None, "b", "c"], dtype=object), np.array(["a", "None", "b", "c"], dtype=object)]
    first, second = (make(kind=KINDS["table"], inputs=Table({"x": values})).fingerprint() for values in columns)
    assert first != second


def test_a_large_array_is_sampled_to_its_last_byte() -> None:
    large = np.zeros((4, 1 << 23), dtype=np.float32)
    before = make(inputs=large).fingerprint()
    large[3, -1] = 1
    assert make(inputs=large).fingerprint() != before
