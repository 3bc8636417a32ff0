"""Calibration (accuracy against confidence) and top-k error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 15  # Guo, Pleiss, Sun, Weinberger 2017


@dataclass(frozen=True)
class Calibration:
    """Accuracy of predictions by their confidence.

    Args:
        confidence: mean confidence of the predictions in each non-empty bin.
        accuracy: fraction of them that is correct.
        counts: number of them.
        error: expected calibration error: the mean difference between both, weighted by counts.
    """

    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    counts: tuple[int, ...]
    error: float


def calibration(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> Calibration:
    """Compare confidence with accuracy in 15 equal bins of confidence (Guo et al. 2017, equation 3).

    Args:
        probabilities: (N, classes).
        classes: (N,) true classes.

    >>> calibration(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1])).error
    0.4
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == classes
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    filled = counts > 0
    mean_confidence = np.bincount(bins, confidence, _BINS)[filled] / counts[filled]
    accuracy = np.bincount(bins, correct, _BINS)[filled] / counts[filled]
    error = float((np.abs(mean_confidence - accuracy) * counts[filled]).sum() / len(classes))
    return Calibration(
        confidence=tuple(mean_confidence.tolist()),
        accuracy=tuple(accuracy.tolist()),
        counts=tuple(counts[filled].tolist()),
        error=error,
    )


def top_error(probabilities: NDArray[np.float64], classes: NDArray[np.int64], *, count: int) -> float:
    """Return the top-k error: the fraction of examples whose true class is not among the `count` most probable.

    >>> [top_error(np.array([[0.5, 0.3, 0.2]]), np.array([1]), count=count) for count in (1, 2)]
    [1.0, 0.0]
    """
    first = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float(1 - (first == classes[:, np.newaxis]).any(axis=1).mean())
