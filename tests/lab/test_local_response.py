"""docs/curriculum.md, D1."""

from __future__ import annotations


def test_the_neighbours_of_the_strong_channel_are_held_back(done) -> None:
    kept = [up for _, up in done("local_response").figure.panels[1].series[0].points]
    assert max(kept[6:11]) < min(kept[:6] + kept[11:])
