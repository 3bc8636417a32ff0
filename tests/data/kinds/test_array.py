from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.kinds import KINDS
from trainwell.data.kinds.array import ArrayPreparation

ARRAY = KINDS["array"]
NUMBERS = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    numbers = NUMBERS.copy()
    numbers[4, 1] = bad
    ids = tuple(f"row {i}" for i in range(10))
    with pytest.raises(
        DataError, match=r"inputs of toy must be finite numbers, got NaN or infinity in row 4 \(1 of 10"
    ):
        ARRAY.check(numbers, name="toy", ids=ids)
    with pytest.raises(DataError, match="to predict on, got NaN or infinity in row 4"):
        ARRAY.check_new(numbers, ids=ids)
    ARRAY.check_new(np.zeros((2, 3), np.uint8), ids=ids[:2])


def test_another_shape_is_refused_in_words() -> None:
    with pytest.raises(ShapeError, match=r"arrays of shape \(3,\) as in training, got \(2,\)"):
        ArrayPreparation((3,), mean=(0.0,) * 3, std=(1.0,) * 3).arrays(NUMBERS[:, :2])


@pytest.mark.parametrize(
    ("shape", "looks"), [((3, 32, 32), True), ((16, 16), True), ((3, 8, 8), False), ((4, 32, 32), False), ((9,), False)]
)
def test_arrays_with_the_shape_of_images_are_compared_as_images(shape: tuple[int, ...], looks: bool) -> None:
    numbers = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    pixels = ARRAY.pixels(numbers)
    assert (pixels is not None) == looks
    if pixels is not None:
        assert pixels.dtype == np.uint8 and pixels.shape[:3] == (4, *shape[-2:])
    assert (ARRAY.numbers(numbers) is not None) == (shape == (9,))


def test_wide_examples_are_measured_as_a_whole() -> None:
    assert list(ARRAY.measure(NUMBERS, ("a", "b", "c"), most=3)) == ["a", "b", "c"]
    assert list(ARRAY.measure(NUMBERS, (), most=2)) == ["mean", "deviation"]


def test_constant_features_are_named() -> None:
    numbers = NUMBERS.copy()
    numbers[:, 1] = 4
    assert list(ARRAY.constant_features(numbers, np.arange(10), features=("a", "b", "c"))) == ["b"]
    assert list(ARRAY.constant_features(numbers, np.arange(10), features=())) == []


def test_a_view_names_the_numbers_and_stretches_images() -> None:
    (view,) = ARRAY.view(NUMBERS, [2])
    assert list(view.values) == ["x0", "x1", "x2"] and view.values["x1"] == pytest.approx(NUMBERS[2, 1])
    fitted = ArrayPreparation((1, 4, 4), mean=(0.0,), std=(1.0,))
    (shown,) = fitted.view(np.arange(16.0).reshape(1, 1, 4, 4))
    assert shown.pixels is not None and shown.pixels[0, 0, 0] == 0 and shown.pixels[3, 3, 0] == 255
