from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from trainwell.core.errors import ShapeError
from trainwell.explain import data_uri, png, to_pixels

Image = pytest.importorskip("PIL.Image", reason="pillow reads the images back")


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (5, 7), (5, 7, 3), (300, 2, 3)])
def test_another_reader_sees_the_same_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


def test_views_are_encoded_too() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)[::2, ::-1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels)


@pytest.mark.parametrize(("shortest", "shape"), [(0, (8, 4)), (4, (8, 4)), (10, (24, 12)), (64, (128, 64))])
def test_small_images_are_enlarged(shortest: int, shape: tuple[int, int]) -> None:
    pixels = np.arange(32, dtype=np.uint8).reshape(8, 4)
    head, _, data = data_uri(pixels, shortest_side=shortest).partition(",")
    assert head == "data:image/png;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert shown.shape == shape
    times = shape[0] // 8
    assert np.array_equal(shown[::times, ::times], pixels)


@pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8), np.zeros(4, np.uint8)])
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"pixels must be uint8 of \(height, width\)"):
        png(pixels)


def test_numbers_become_pixels() -> None:
    assert to_pixels(np.full((2, 2), 7.0)).tolist() == [[0, 0], [0, 0]]
    assert to_pixels(np.zeros((3, 4, 5))).shape == (4, 5, 3)
    assert to_pixels(np.array([[[0.0, np.nan], [-1.0, 1.0]]])).tolist() == [[128, 128], [0, 255]]
