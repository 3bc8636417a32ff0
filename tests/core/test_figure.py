"""Figures are values."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.figure import curve, curves, histogram, landscape


def test_a_curve_needs_as_many_x_as_y() -> None:
    with pytest.raises(ValueError):
        curve("", [1, 2, 3], xs=[1, 2])


def test_curves_have_colours_of_their_own() -> None:
    made = curves({"a": [1], "b": [2]}, xs=iter([7]))
    assert [(series.name, series.colour, series.points) for series in made] == [
        ("a", 0, ((7.0, 1.0),)),
        ("b", 1, ((7.0, 2.0),)),
    ]


def test_a_histogram_counts_shares_of_all_values_those_outside_included() -> None:
    heights = [up for _, up in histogram("", [0.5, 0.5, 9.0, -9.0], span=(0, 1), bins=4).points]
    assert heights == [0, 0, 0.5, 0]


def test_contours_enclose_equal_shares_of_the_area() -> None:
    field = landscape(lambda x, y: x**2 + y**2, (-1, 1), y=(-1, 1), count=3, size=101)
    values = np.array(field.values)
    assert [round(float((values < height).mean()), 2) for height in field.contours] == [0.25, 0.5, 0.75]
    assert values[0, 0] == values[-1, -1] == 2 and values[50, 50] == 0
