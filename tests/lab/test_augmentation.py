"""docs/curriculum.md, B6, G1."""

from __future__ import annotations


def test_the_training_loss_falls_more_slowly_with_shifts(done) -> None:
    plain, shifted = ({s.name: s.points for s in panel.series} for panel in done("augmentation").figure.panels)
    assert plain["training"][-1][1] < shifted["training"][-1][1]
    assert plain["held out"][-1][1] > shifted["held out"][-1][1]
