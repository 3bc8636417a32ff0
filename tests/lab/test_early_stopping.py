"""docs/curriculum.md, G1."""

from __future__ import annotations

import pytest


def test_the_mark_stands_at_the_mean_step_of_the_lowest_validation_loss(done) -> None:
    found = done("early_stopping")
    panel = found.figure.panels[0]
    validation = dict(next(series.points for series in panel.series if series.name == "validation"))
    mark = panel.levels[0].value
    assert mark == pytest.approx(800 * found.numbers["fraction of the run at the best step"])
    # The mean of all seeds is near its lowest there, and far from it at the end.
    near = validation[round(mark, -1)]
    assert near < 1.05 * min(validation.values()) < 0.9 * validation[800]
