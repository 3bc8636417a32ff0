"""docs/curriculum.md, F2, F3."""

from __future__ import annotations


def test_the_curves_lie_on_each_other_all_along(done) -> None:
    lines = {series.name: [up for _, up in series.points] for series in done("batch_and_rate").figure.panels[0].series}
    pairs = zip(lines["100 at 0.001"], lines["1000 at 0.01"], strict=True)
    assert max(abs(a - b) for a, b in pairs) < 0.05
    assert lines["1000 at 0.01"][-1] < lines["1000 at 0.00316"][-1] < lines["1000 at 0.001"][-1]
