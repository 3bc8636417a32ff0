"""Whether a network is as right as it is sure, and how often the truth is among its first guesses (curriculum L4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 15  # Guo, Pleiss, Sun, Weinberger 2017


@dataclass(frozen=True)
class Calibration:
    """How often answers of one confidence are right.

    Args:
        confidence: mean confidence of the answers in each bin that holds some.
        accuracy: share of them that is right.
        counts: how many they are.
        error: expected calibration error: the mean gap between both, weighted by counts.
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
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    held = counts > 0
    sure = np.bincount(bins, confidence, _BINS)[held] / counts[held]
    true = np.bincount(bins, right, _BINS)[held] / counts[held]
    error = float((np.abs(sure - true) * counts[held]).sum() / len(classes))
    return Calibration(tuple(sure.tolist()), tuple(true.tolist()), tuple(counts[held].tolist()), error)


def top_error(probabilities: NDArray[np.float64], classes: NDArray[np.int64], count: int) -> float:
    """Return the share of examples whose true class is not among the `count` likeliest.

    >>> [top_error(np.array([[0.5, 0.3, 0.2]]), np.array([1]), count) for count in (1, 2)]
    [1.0, 0.0]
    """
    first = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float(1 - (first == classes[:, np.newaxis]).any(axis=1).mean())
