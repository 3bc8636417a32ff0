"""Arrays of values, some of which may be missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def missing(values: Array) -> NDArray[np.bool_]:
    """Return which values are missing: None among objects, NaN among floats. The shape is that of the values.

    >>> missing(np.array(["a", None], dtype=object))
    array([False,  True])
    """
    if values.dtype == object:
        return np.fromiter((value is None for value in values.flat), bool, values.size).reshape(values.shape)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
