"""Numbers beside what is expected of them."""

from __future__ import annotations

import math

import pytest

from trainwell.core.figure import Figure
from trainwell.lab.result import Expected, at_least, at_most, near, result


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
