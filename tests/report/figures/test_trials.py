"""Figures of the range test and the learning curve say what was found."""

from __future__ import annotations

import math

from trainwell.doctor.experiments.learning_curve import read_curve
from trainwell.doctor.experiments.range_test import RateRange
from trainwell.report.figures.panels import draw_lab
from trainwell.report.figures.trials import learning_figure, rate_figure

RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def test_the_suggested_rate_stands_in_the_image() -> None:
    found = RateRange(RATES, (2.0, 1.5, 1.0, 1.2, math.inf), 0.1, 5e-3, 1e-3, 2e-2, "It falls.")
    drawn = draw_lab(rate_figure(found), title="t")
    assert "suggested: 0.005" in drawn and ">safe<" in drawn


def test_no_valley_is_drawn_without_a_band() -> None:
    found = RateRange(RATES, (2.0,) * 5, 0.1, None, None, None, "It does not fall.")
    drawn = draw_lab(rate_figure(found), title="t")
    assert "no clear minimum" in drawn and ">safe<" not in drawn


def test_the_power_law_reaches_beyond_the_data() -> None:
    found = read_curve([25, 50, 100, 200], [0.4, 0.3, 0.2, 0.15], score_name="accuracy", chance=0.9)
    (panel,) = learning_figure(found).panels
    assert math.isclose(max(x for series in panel.series for x, _ in series.points), 800.0)
    assert "all training examples" in draw_lab(learning_figure(found), title="t")
