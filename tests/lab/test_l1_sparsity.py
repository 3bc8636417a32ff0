"""docs/curriculum.md, G1."""

from __future__ import annotations


def test_more_penalty_never_means_fewer_zeros(done) -> None:
    shares = [up for _, up in done("l1_sparsity").figure.panels[2].series[0].points]
    assert shares == sorted(shares) and shares[-1] == 1
