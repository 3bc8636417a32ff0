"""docs/curriculum.md, C2 (Glorot and Bengio 2010, figure 2)."""

from __future__ import annotations


def test_only_the_last_layer_saturates(done) -> None:
    layers = [min(up for _, up in series.points) for series in done("sigmoid_saturation").figure.panels[0].series]
    assert layers[3] < 0.05 < min(layers[:3])
