"""docs/curriculum.md, G1."""

from __future__ import annotations

import pytest


def test_the_prediction_lies_between_average_and_max(done) -> None:
    (bars,) = done("stochastic_pooling").figure.panels[1].series
    average, predicted, largest = (up for _, up in bars.points)
    assert average < predicted < largest
    assert predicted == pytest.approx((1 + 4 + 25) / (1 + 2 + 5))
