"""Rows of different lengths behave as a list of rows does (docs/curriculum.md, A14)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.text.ragged import Ragged

ROWS = st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=8)


@given(rows=ROWS, data=st.data())
def test_any_choice_of_rows_is_that_of_the_list(rows: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.of(rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=10))
    assert [row.tolist() for row in ragged[np.array(chosen, dtype=np.int64)]] == [rows[number] for number in chosen]
    assert [row.tolist() for row in ragged[1:]] == rows[1:]


@given(rows=ROWS, longest=st.integers(0, 4))
def test_the_mask_marks_exactly_what_counts(rows: list[list[int]], longest: int) -> None:
    padded, mask = Ragged.of(rows).padded(np.arange(len(rows)), fill=77, longest=longest)
    for row, values, counts in zip(rows, padded, mask, strict=True):
        kept = row[:longest] if longest else row
        assert values[counts].tolist() == kept
        assert (values[~counts] == 77).all() and counts[: len(kept)].all()


def test_a_million_short_rows_cost_little_more_than_their_values() -> None:
    lengths = np.full(1_000_000, 3)
    ragged = Ragged(np.zeros(3_000_000, np.int32), np.concatenate([[0], lengths.cumsum()]))
    assert ragged.values.nbytes + ragged.offsets.nbytes == 20_000_008


def test_rows_of_vectors_are_padded_as_vectors() -> None:
    padded, mask = Ragged(np.arange(8.0).reshape(4, 2), np.array([0, 1, 4])).padded(np.array([0, 1]))
    assert padded.shape == (2, 3, 2) and mask.tolist() == [[True, False, False], [True, True, True]]
    assert padded[0, 1:].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("offsets", [[0, 2], [1, 3], [0, 2, 1, 3], []])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="must increase from 0 to the number of values, 3"):
        Ragged(np.zeros(3), np.array(offsets, dtype=np.int64))
