"""docs/curriculum.md, D1, D2."""

from __future__ import annotations


def test_batch_norm_is_better_in_large_batches_and_worse_in_small_ones(done) -> None:
    batch, group = (series.points for series in done("batch_norm").figure.panels[1].series)
    assert batch[1][1] < group[1][1] and batch[-1][1] >= group[-1][1] - 0.02


def test_both_orders_learn(done) -> None:
    before = next(s for s in done("batch_norm").figure.panels[0].series if s.name == "before ReLU")
    after = next(s for s in done("batch_norm").figure.panels[0].series if s.name == "after ReLU")
    assert max(before.points[-1][1], after.points[-1][1]) < 0.5
