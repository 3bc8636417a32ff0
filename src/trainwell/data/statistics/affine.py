"""Shift and scale of a feature or channel for the method of `data.prepare`."""

from __future__ import annotations

import math

import numpy as np

from trainwell.core.statistics import mean_and_deviation
from trainwell.data.values.missing import Array

# The literature's names for what is done to images channel by channel: VGG subtracts the mean, ResNet divides too.
# A rotation starts from standardised inputs (decorrelate) or does not depend on it (whitening); the mean image from
# plain ones.
_FIRST_STAGE = {
    "channel_mean": "centre",
    "channel_mean_std": "standardise",
    "mean_image": "none",
    "decorrelate": "standardise",
    "whiten_pca": "standardise",
    "whiten_zca": "standardise",
}
_BLOCK = 1 << 22  # pixels counted at once: a block of int64 stays within 32 MiB


def first_stage(prepare: str) -> str:
    """Return the method that is applied to every feature or channel separately: none, centre, scale, min_max, ...

    >>> first_stage("whiten_pca"), first_stage("min_max")
    ('standardise', 'min_max')
    """
    return _FIRST_STAGE.get(prepare, prepare)


def affine(values: Array, method: str) -> tuple[float, float]:
    """Return the shift that is subtracted from numbers and the scale they are divided by; scale 0 for constants.

    >>> affine(np.array([1.0, 3.0]), "standardise"), affine(np.array([1.0, 3.0]), "min_max")
    ((2.0, 1.0), (1.0, 2.0))
    """
    mean, std = mean_and_deviation(values)
    return _of_method(method, mean=mean, std=std, low=float(values.min()), high=float(values.max()))


def pixel_affine(images: Array, rows: Array, *, method: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return what `affine` returns for each channel on [0, 1], exact: counted from the histogram of the 256 levels.

    Args:
        images: (N, H, W, C) uint8.
        rows: numbers of the training images.
        method: as for `affine`.
    """
    channels = images.shape[-1]
    if method == "none":
        return (0.0,) * channels, (1.0,) * channels
    histogram = np.zeros((channels, 256), dtype=np.int64)
    each = max(1, _BLOCK // math.prod(images.shape[1:]))
    for start in range(0, len(rows), each):
        block = images[rows[start : start + each]].reshape(-1, channels)
        for channel in range(channels):
            histogram[channel] += np.bincount(block[:, channel], minlength=256)
    levels = np.arange(256) / 255
    found = []
    for counts in histogram:
        mean = float(counts @ levels / counts.sum())
        std = float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()))
        seen = levels[counts > 0]
        found.append(_of_method(method, mean=mean, std=std, low=float(seen[0]), high=float(seen[-1])))
    means, stds = zip(*found, strict=True)
    return means, stds


def _of_method(method: str, *, mean: float, std: float, low: float, high: float) -> tuple[float, float]:
    constant = std == 0.0
    methods = {
        "none": (0.0, 1.0),
        "centre": (mean, 0.0 if constant else 1.0),
        "scale": (0.0, std),
        "min_max": (low, 0.0 if constant else high - low),
    }
    return methods.get(method, (mean, std))
