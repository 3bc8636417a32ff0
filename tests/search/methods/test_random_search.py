"""Random search."""

from __future__ import annotations

from tests.search.methods.test_method import RATE, method


def test_random_configurations_spread_over_the_space() -> None:
    rates = [settings[RATE] for settings in method("random", 64).propose(range(64), [])]
    assert 18 <= sum(rate < 1e-2 for rate in rates) <= 46
