"""docs/curriculum.md, G1."""

from __future__ import annotations


def test_all_masks_were_averaged(done) -> None:
    cloud = done("dropout_ensemble").figure.panels[0].series[0]
    assert len(cloud.points) == 256 * 4
    halved, geometric, arithmetic = (series.points for series in done("dropout_ensemble").figure.panels[1].series)
    assert max(abs(a[1] - b[1]) for a, b in zip(halved, geometric, strict=True)) < 1e-12
    assert sum(up for _, up in arithmetic) - 1 < 1e-12
