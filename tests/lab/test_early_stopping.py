"""Curriculum G1."""

from __future__ import annotations


def test_the_mark_stands_at_the_lowest_validation_loss(done) -> None:
    panel = done("early_stopping").figure.panels[0]
    validation = next(series.points for series in panel.series if series.name == "validation")
    assert panel.levels[0].value == min(validation, key=lambda point: point[1])[0]
