"""Texts in one array of bytes behave as a list of texts does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.text.texts import Texts


@given(texts=st.lists(st.text(max_size=9), min_size=1, max_size=6), data=st.data())
def test_any_choice_of_rows_is_that_of_the_list(texts: list[str], data: st.DataObject) -> None:
    stored = Texts.of(texts)
    assert list(stored) == texts and stored.text(0) == texts[0]
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    assert list(stored[np.array(chosen, dtype=np.int64)]) == [texts[number] for number in chosen]


def test_a_missing_text_is_empty() -> None:
    assert list(Texts.of(["a", None])) == ["a", ""] and Texts.of(["é", None]).sizes.tolist() == [2, 0]
