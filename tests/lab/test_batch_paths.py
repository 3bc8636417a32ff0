"""docs/curriculum.md, E1, B3."""

from __future__ import annotations


def test_smaller_batches_wander_more(done) -> None:
    loss = {series.name: [up for _, up in series.points] for series in done("batch_paths").figure.panels[1].series}
    rises = {name: sum(b > a for a, b in zip(up, up[1:], strict=False)) for name, up in loss.items()}
    assert rises["batch 256"] == 0 < rises["batch 1"]
    assert loss["batch 256"][-1] <= min(loss["batch 1"]) + 1e-3
