from __future__ import annotations

import numpy as np
import pytest

from trainwell.data.values.free_text import is_text, normalise


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["one two three", "four five six", None], True),
        (["New York City"] * 50 + ["San Francisco Bay"] * 50, False),
        (["a", "b", "c"], False),
        ([None, None], False),
    ],
)
def test_text_is_told_from_categories(values, expected) -> None:
    assert is_text(np.array(values, dtype=object)) is expected
    assert not is_text(np.array([1.0, 2.0]))


def test_spelling_does_not_count() -> None:
    assert normalise("Ｆull—width, ﬁne!") == normalise("full width FINE") == "full width fine"
    assert normalise(None) == ""
