"""Statistics that several rooms must compute alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mean_and_deviation(values: NDArray[Any]) -> tuple[float, float]:
    """Return mean and standard deviation in float64; the deviation of a constant (but for rounding) is 0.

    >>> mean_and_deviation(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    mean = float(values.mean(dtype=np.float64))
    deviation = float(values.std(dtype=np.float64))
    rounding = (1e-12 if values.dtype == np.float64 else 1e-7) * abs(mean)
    return mean, deviation if deviation > rounding else 0.0
