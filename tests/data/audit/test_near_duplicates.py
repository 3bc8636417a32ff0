"""Copies that agree in no byte [B10]."""

from __future__ import annotations

import io

import numpy as np
import pytest

from trainwell.data.audit.near_duplicates import near_duplicates

RANDOM = np.random.default_rng(0)


def scenes(count: int, side: int = 32, channels: int = 3) -> np.ndarray:
    """Smooth random images: frequencies fall as in photographs."""
    field = np.fft.rfft2(RANDOM.normal(size=(count, channels, side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) + 1 / side
    smooth = np.fft.irfft2(field / frequency**1.6, s=(side, side))
    smooth = smooth.mean(axis=1, keepdims=True) + 0.3 * smooth  # colours vary less than brightness, as in photographs
    smooth -= smooth.min(axis=(1, 2, 3), keepdims=True)
    return np.moveaxis(255 * smooth / smooth.max(axis=(1, 2, 3), keepdims=True), 1, 3).astype(np.uint8)


def encoded(image: np.ndarray) -> np.ndarray:
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(image).save(stream, "JPEG", quality=70)
    return np.asarray(pillow.open(stream))


CHANGES = {
    "the same": lambda image: image,
    "mirrored": lambda image: image[:, ::-1],
    "shifted": lambda image: np.roll(image, (2, -3), axis=(0, 1)),
    "shifted by one": lambda image: np.pad(image, ((1, 0), (0, 0), (0, 0)))[:-1],
    "mirrored and shifted": lambda image: np.roll(image[:, ::-1], (1, 2), axis=(0, 1)),
    "encoded again": encoded,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_image_is_found_and_nothing_else(change: str) -> None:
    images = scenes(300)
    sources = np.arange(0, 40, 2)
    copies = np.stack([CHANGES[change](images[i]) for i in sources])
    found = {pair[:2] for pair in near_duplicates(np.concatenate([images, copies]))}
    planted = {(int(i), 300 + n) for n, i in enumerate(sources)}
    assert len(found & planted) >= 0.95 * len(planted)
    assert not found - planted


def test_objects_before_a_plain_ground_and_large_images() -> None:
    images = np.zeros((200, 64, 64, 1), np.uint8)
    images[:, 16:48, 16:48] = scenes(200, channels=1)
    copies = np.roll(images[:20], (4, 6), axis=(1, 2))
    found = {pair[:2] for pair in near_duplicates(np.concatenate([images, copies]))}
    assert found == {(i, 200 + i) for i in range(20)}


def test_a_recoloured_image_is_no_duplicate() -> None:
    images = (scenes(30) * [1.0, 0.6, 0.3]).astype(np.uint8)
    assert near_duplicates(np.concatenate([images, images[:10, ..., [2, 0, 1]]])) == []


@pytest.mark.parametrize("images", [np.zeros((5, 8, 8, 1), np.uint8), np.full((5, 32, 32, 3), 7, np.uint8)])
def test_tiny_and_flat_images_are_left_to_the_exact_comparison(images: np.ndarray) -> None:
    assert near_duplicates(images) == []
