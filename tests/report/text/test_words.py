from __future__ import annotations

import math

import pytest

from trainwell.report.text.words import aligned, duration, number, percent, printable, unbroken, words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (-1, "-1"),
        (1_000_000, "1,000,000"),
        (22480.4, "22,480"),
        (1e12, "1e12"),
        (-0.01234567, "-0.01235"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "NaN"),
    ],
)
def test_number(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("fraction", "written"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.9999999, "99.99999 %"), (0.0004, "0.04 %"), (math.nan, "NaN")],
)
def test_percent_rounds_to_nothing_and_all_only_where_it_must(fraction: float, written: str) -> None:
    assert percent(fraction) == written


@pytest.mark.parametrize(("seconds", "written"), [(0.01, "under 0.1 s"), (59.6, "1 min"), (3600, "1 h"), (-1, "–")])
def test_duration(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_aligned_numbers_have_equally_many_decimals() -> None:
    written = aligned([0.25, 123.456, math.nan])
    assert written == ["0.25", "123.46", "NaN"]


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800", "\n", "\r"])
def test_printable_removes_what_steers_a_terminal(sign: str) -> None:
    assert printable(f"a{sign}b") == "ab"


def test_printable_keeps_lines_where_asked_and_shortens() -> None:
    assert printable("a\n\x1bb", lines=True) == "a\nb"
    assert printable("x" * 20, limit=5) == "xxxx…"


def test_names_become_words() -> None:
    assert words("mean_absolute_error") == "mean absolute error"
    assert unbroken("5 % of 7") == "5\u00a0% of 7"
