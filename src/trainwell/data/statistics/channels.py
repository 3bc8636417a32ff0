"""Arithmetic on channels: scaling with fitted statistics, or stretching for display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainwell.data.values.missing import Array

Float32 = NDArray[np.float32]


def scale_and_shift(mean: Sequence[float], std: Sequence[float], *, unit: float = 1.0) -> tuple[Float32, Float32]:
    """Return (scale, shift) such that `raw * scale + shift` is standardised.

    Args:
        mean: of each channel, in multiples of the unit.
        std: of each channel; 0 makes the channel 0.
        unit: raw numbers are this many times larger: 255 for pixels whose statistics are on [0, 1].

    >>> scale_and_shift([0.5, 2.0], [0.25, 0.0])
    (array([4., 0.], dtype=float32), array([-2., -0.], dtype=float32))
    """
    deviations = np.array(std)
    inverse = np.divide(1.0, deviations, out=np.zeros_like(deviations), where=deviations > 0)
    return (inverse / unit).astype(np.float32), (-np.array(mean) * inverse).astype(np.float32)


def scaled(channels_first: Array, scale: Float32, *, shift: Float32) -> Float32:
    """Return `raw * scale + shift` in float32, contiguous, with the channels along the second axis, (N, C, ...)."""
    along = (1, -1) + (1,) * (channels_first.ndim - 2)
    prepared: Float32 = np.multiply(channels_first, scale.reshape(along), dtype=np.float32, order="C")
    prepared += shift.reshape(along)
    return prepared


def stretched(prepared: Array) -> NDArray[np.uint8]:
    """Return (N, C, H, W) numbers as (N, H, W, C) pixels, the smallest black and the largest white.

    >>> stretched(np.array([[[[-1.0, 3.0]]]]))[0, 0].tolist()
    [[0], [255]]
    """
    low = float(prepared.min())
    high = float(prepared.max())
    levels = (prepared - low) * (255 / ((high - low) or 1.0))
    pixels: NDArray[np.uint8] = np.moveaxis(np.clip(np.rint(levels), 0, 255), 1, 3).astype(np.uint8)
    return pixels
