from __future__ import annotations

import numpy as np

from trainwell.data.values.missing import missing


def test_missing() -> None:
    assert missing(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing(np.array([1, 2])).tolist() == [False, False]
    assert missing(np.array([[None, "a"]], dtype=object)).tolist() == [[True, False]]
