"""docs/curriculum.md, F1, F3."""

from __future__ import annotations


def test_both_runs_are_one_until_the_drop(done) -> None:
    lines = {series.name: series.points for series in done("stepped_rate").figure.panels[0].series}
    until = [point for point in lines["lowered"] if point[0] < 900]
    assert list(lines["constant"][: len(until)]) == until
    assert lines["lowered"][-1][1] < lines["constant"][-1][1]
