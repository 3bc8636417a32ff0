"""docs/curriculum.md, G1."""

from __future__ import annotations


def test_the_histogram_holds_nearly_all_draws_and_the_bell_too(done) -> None:
    drawn, bell = done("dropconnect").figure.panels[0].series
    assert sum(up for _, up in drawn.points) > 0.999
    assert abs(sum(up for _, up in bell.points) - 1) < 1e-3
