"""Numbers beside what is expected of them."""

from __future__ import annotations

import math

import pytest

from trainwell.core.figure import Figure
from trainwell.lab.result import Expected, Interval, at_least, at_most, mean_of, near, result


@pytest.mark.parametrize(
    ("expected", "number", "holds"),
    [
        (near(1.0, within=0.1), 1.05, True),
        (near(1.0, within=0.1), 1.2, False),
        (near(3), 3.0, True),
        (at_most(2), 2.0, True),
        (at_most(2), 2.1, False),
        (at_least(2), 1.9, False),
        (at_least(2), math.inf, False),
        (Expected(), math.nan, False),
        (Expected(1, 2), 1.5, True),
    ],
)
def test_expectations(expected: Expected, number: float, holds: bool) -> None:
    assert expected.holds(number) is holds


@pytest.mark.parametrize(
    ("expected", "words", "plain"),
    [
        (near(0.213, within=0.002), "0.213 ± 0.002", 0.213),
        (near(4), "4", 4),
        (at_most(1e-4), "at most 0.0001", [None, 1e-4]),
        (at_least(2), "at least 2", [2, None]),
        (Expected(1, 2), "1 to 2", [1, 2]),
    ],
)
def test_in_words_and_for_json(expected: Expected, words: str, plain) -> None:
    assert (str(expected), expected.plain()) == (words, plain)


def test_a_result_names_what_failed() -> None:
    found = result({"right": (1, near(1)), "wrong": (2, near(1)), "broken": (math.nan, at_least(0))}, Figure("", ()))
    assert found.failed == ("wrong", "broken")


@pytest.mark.parametrize(
    ("expected", "interval", "holds"),
    [
        (at_least(0.0), Interval(0.3, 0.2, 5), True),
        (at_least(0.0), Interval(0.1, 0.2, 5), False),  # the effect is smaller than its error
        (at_most(1.0), Interval(0.9, 0.2, 5), False),
        (near(1, within=0.1), Interval(1.0, 0.05, 5), True),
        (near(1, within=0.1), Interval(1.0, 0.2, 5), False),
        (near(3), Interval(3.0, 0.0, 5), True),
        (at_least(0.0), Interval(math.nan, 0.1, 5), False),
        (at_least(0.0), Interval(1.0, math.inf, 5), False),
    ],
)
def test_all_of_an_interval_must_lie_in_the_expected_range(expected: Expected, interval: Interval, holds: bool) -> None:
    assert expected.holds(interval) is holds
    assert (result({"a": (interval, expected)}, Figure("", ())).failed == ()) is holds


def test_an_interval_covers_the_true_mean_in_19_of_20_samples() -> None:
    import numpy as np

    draws = np.random.default_rng(0).normal(1.0, 2.0, (4000, 5))
    covered = [interval.low <= 1.0 <= interval.high for interval in map(mean_of, draws.tolist())]
    assert sum(covered) / len(covered) == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 2 repetitions, got 1"):
        mean_of([1.0])


def test_a_result_keeps_means_and_intervals_and_says_how_to_read_them() -> None:
    found = result({"fixed": (1, near(1)), "repeated": (mean_of([1.0, 3.0]), at_least(-100))}, Figure("", ()))
    assert found.numbers == {"fixed": 1, "repeated": 2} and set(found.intervals) == {"repeated"}
    assert "mean of 2 repetitions" in found.note
    assert result({"fixed": (1, near(1))}, Figure("", ())).note == ""
