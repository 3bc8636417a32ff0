"""docs/curriculum.md, E3."""

from __future__ import annotations


def test_only_kfac_falls_alike_on_both_sides(done) -> None:
    well, badly = done("natural_gradient").figure.panels
    ends = {a.name: (a.points[-1][1], b.points[-1][1]) for a, b in zip(well.series, badly.series, strict=True)}
    assert abs(ends["K-FAC"][0] - ends["K-FAC"][1]) < 0.1
    assert ends["gradient descent"][1] > ends["gradient descent"][0]
