"""docs/curriculum.md, E4."""

from __future__ import annotations


def test_sgd_lies_on_the_diagonal_and_adam_does_not(done) -> None:
    sgd, adam = (panel.series[1].points for panel in done("weight_decay").figure.panels[:2])
    assert max(abs(a - b) for a, b in sgd) < 1e-9
    assert max(abs(a - b) for a, b in adam) > 0.01
