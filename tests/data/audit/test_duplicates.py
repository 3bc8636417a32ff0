"""Rows equal up to rounding, texts equal up to spelling [B10]."""

from __future__ import annotations

import numpy as np

from trainwell.data.audit.duplicates import duplicates
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources import from_arrays
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table

RANDOM = np.random.default_rng(0)


def of_table(columns: dict[str, np.ndarray]) -> Examples:
    count = len(next(iter(columns.values())))
    return Examples(
        "t",
        KINDS["table"],
        Table(columns),
        np.arange(count, dtype=np.float32),
        "numbers",
        numbered("row", count),
        (),
        tuple(columns),
    )


def test_rows_are_duplicates_up_to_rounding_whatever_the_scale() -> None:
    numbers = RANDOM.normal(size=(200, 3)) * [1e-6, 1.0, 1e6]
    numbers = np.concatenate([numbers, numbers[:5] * (1 + 1e-5), numbers[5:8] * 1.2])
    town = np.array([f"town {i % 7}" for i in range(len(numbers))], dtype=object)
    town[200:205] = town[:5]
    columns = {f"x{i}": column for i, column in enumerate(numbers.T)} | {"town": town}
    assert [pair[:2] for pair in duplicates(of_table(columns))] == [(i, 200 + i) for i in range(5)]
    town[202] = "elsewhere"
    assert (2, 202) not in [pair[:2] for pair in duplicates(of_table(columns))]


def test_gaps_are_equal_to_gaps_only() -> None:
    found = duplicates(of_table({"a": np.array([1.0, np.nan, np.nan, 1.0]), "b": np.array([1.0, 2.0, 2.0, 5.0])}))
    assert [pair[:2] for pair in found] == [(1, 2)]


def test_many_duplicates_of_one_row_are_paired_with_the_first() -> None:
    found = duplicates(of_table({"a": np.r_[np.zeros(50), np.arange(1.0, 51)]}))
    assert [pair[:2] for pair in found] == [(0, i) for i in range(1, 50)]
    few = duplicates(of_table({"a": np.r_[np.zeros(3), np.arange(1.0, 51)]}))
    assert [pair[:2] for pair in few] == [(0, 1), (0, 2), (1, 2)]


def test_texts_are_duplicates_up_to_spelling() -> None:
    words = np.array([f"word{i}" for i in range(400)])
    texts = [" ".join(RANDOM.choice(words, 25)) for _ in range(60)]
    texts += ["  " + texts[0].upper() + " !", texts[1].replace(texts[1].split()[3], "other", 1)]
    found = [pair[:2] for pair in duplicates(of_table({"text": np.array(texts, dtype=object)}))]
    assert found == [(0, 60), (1, 61)]


def test_arrays_that_are_images_are_compared_as_such() -> None:
    images = np.cumsum(RANDOM.normal(size=(40, 1, 24, 24)), axis=3).astype(np.float32)
    examples = from_arrays(np.concatenate([images, images[:4, :, :, ::-1]]), np.arange(44) % 2)
    assert [pair[:2] for pair in duplicates(examples)] == [(i, 40 + i) for i in range(4)]


def test_wide_arrays_are_compared_byte_by_byte() -> None:
    rows = RANDOM.normal(size=(20, 100)).astype(np.float32)
    rows[7] = rows[3]
    assert [pair[:2] for pair in duplicates(from_arrays(rows, np.arange(20) % 2))] == [(3, 7)]
