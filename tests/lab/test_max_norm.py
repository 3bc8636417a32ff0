"""docs/curriculum.md, G1."""

from __future__ import annotations

import math


def test_the_constraint_holds_after_every_step(done) -> None:
    free, bound = done("max_norm").figure.panels[0].series
    assert len(bound.points) == 300
    limit = math.log10(2)
    assert max(up for _, up in bound.points) <= limit + 1e-6 < max(up for _, up in free.points)
    assert max(bound.errors[10:]) < 1e-5  # every seed ends at the limit
