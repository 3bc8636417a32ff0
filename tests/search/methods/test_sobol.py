"""Search along a Sobol sequence."""

from __future__ import annotations

from tests.search.methods.test_method import RATE, method


def test_configurations_spread_over_the_space() -> None:
    rates = [settings[RATE] for settings in method("sobol", 64).propose(range(64), [])]
    assert 18 <= sum(rate < 1e-2 for rate in rates) <= 46


def test_all_train_to_the_end() -> None:
    assert method("sobol").rungs(27) == [1.0]
