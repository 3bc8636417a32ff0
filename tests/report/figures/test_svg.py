from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.report.figures.svg import AxisScale, apart, axes, drawing, fit, line, px, room, thin


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (0.02, 0.03), (1e-9, 2e-9), (5, 1e6), (0, 1)])
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    ticks = AxisScale(low, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 8
    assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in ticks)
    step = ticks[1] - ticks[0]
    assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)


def test_a_log_scale_ticks_at_powers_and_falls_back_within_one() -> None:
    assert AxisScale(0.001, 1000, 0, 1, log=True).ticks(4) == [0.001, 0.01 * 10, 10.0, 1000.0]
    assert AxisScale(2, 8, 0, 1, log=True).ticks() == [2.0, 4.0, 6.0, 8.0]


def test_a_scale_holds_values_within_its_ends() -> None:
    scale = AxisScale(0, 1, 10, 20)
    assert [scale.place(value) for value in (-5, 0.5, 5)] == [10, 15, 20]
    assert AxisScale(1, 1, 10, 20).place(1) == 15
    assert AxisScale(0.1, 10, 0, 2, log=True).place(-3) == 0


@pytest.mark.parametrize(("values", "log"), [([], False), ([math.nan], True), ([3.0], False), ([0.0, -1.0], True)])
def test_there_is_room_for_anything(values: list[float], log: bool) -> None:
    low, high = room(values, log=log)
    assert low < high and math.isfinite(low) and math.isfinite(high)
    assert low > 0 or not log


def test_thinning_keeps_spikes_ends_and_breaks() -> None:
    points = [(float(x), 0.0) for x in range(5000)]
    points[1234], points[2345] = (1234.0, 9.0), (2345.0, math.nan)
    kept = thin(points, limit=200)
    assert len(kept) <= 202
    assert (1234.0, 9.0) in kept and any(math.isnan(value) for _, value in kept)
    assert kept == sorted(kept, key=lambda point: point[0])


def test_a_line_breaks_where_a_value_is_no_number() -> None:
    scale = AxisScale(0, 10, 0, 10)
    drawn = line([(0, 0), (1, math.nan), (2, 2), (3, 3)], x=scale, y=scale, class_="l")
    assert drawn == '<path d="M0 0M2 2L3 3" class="l"></path>'


@given(st.lists(st.floats(0, 100), max_size=5))
def test_labels_stand_apart_in_their_order(heights: list[float]) -> None:
    places = apart(heights, gap=16, low=0, high=100)
    ordered = sorted(places)
    assert all(b - a > 15.5 for a, b in zip(ordered, ordered[1:], strict=False))
    assert all(0 <= place <= 100 for place in places)


def test_a_drawing_says_what_it_shows(read) -> None:
    scale = AxisScale(0, 10, 0, 10)
    image = drawing(axes(scale, scale, names=("epoch", "loss")), size=(10, 20), title="Loss", describe="It falls.")
    page = read(image)
    (svg,) = page.all("svg")
    assert svg["role"] == "img" and svg["aria-label"] == "Loss. It falls."
    assert "epoch" in page.text and "loss" in page.text


def test_texts_are_cut_to_their_room() -> None:
    assert fit("short", 200) == "short"
    assert len(fit("a" * 100, 70)) * 13 * 0.56 <= 70
    assert px(-0.04) == "-0"
