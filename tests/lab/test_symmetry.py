"""docs/curriculum.md, A2."""

from __future__ import annotations

import math


def test_zeros_stay_at_chance(done) -> None:
    losses = {series.name: series.points for series in done("symmetry").figure.panels[0].series}
    assert all(abs(up - math.log(10)) < 0.1 for _, up in losses["zeros"])
