from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.values.given import as_array, as_images, as_numbers


def test_lists_and_tensors_become_arrays() -> None:
    assert as_array(torch.ones(2, 3, requires_grad=True), what="x", name="a").shape == (2, 3)
    assert as_array(["a", None], what="y", name="a", may_be_text=True).tolist() == ["a", None]


@pytest.mark.parametrize(
    ("values", "problem", "said"),
    [
        ([[1], [1, 2]], ShapeError, "x of a must be one array, got rows of different lengths"),
        (3, ShapeError, "x of a must be an array with one entry for each example, got 3"),
        (["a"], DataError, "x of a must contain numbers, got <U1"),
    ],
)
def test_anything_else_is_refused(values: object, problem: type[Exception], said: str) -> None:
    with pytest.raises(problem, match=said):
        as_array(values, what="x", name="a")


def test_bytes_in_the_shape_of_images_are_images() -> None:
    shapes = [(2, 5, 4), (2, 5, 4, 3), (2, 3, 5, 4), (2, 5), (2, 5, 4, 2)]
    found = [as_images(np.zeros(shape, np.uint8)) for shape in shapes]
    assert [None if one is None else one.shape for one in found] == [
        (2, 5, 4, 1),
        (2, 5, 4, 3),
        (2, 5, 4, 3),
        None,
        None,
    ]
    assert as_images(np.zeros((2, 5, 4))) is None


def test_numbers_have_two_axes_and_are_floats() -> None:
    assert as_numbers(np.arange(3), name="a").shape == (3, 1) and as_numbers(np.arange(3), name="a").dtype == np.float32
    with pytest.raises(ShapeError, match="at least one number per example"):
        as_numbers(np.zeros((3, 0)), name="a")
