"""Coarse to fine."""

from __future__ import annotations

from tests.search.methods.test_method import DROPOUT, RATE, method, scored


def test_the_second_half_lies_near_the_best_of_the_first() -> None:
    fine = method("coarse-to-fine", 16)
    sizes = [fine.group_size(first, width=100) for first in (0, 6, 8)]
    assert sizes == [8, 2, 8]
    history = [scored(i, settings, 0.5) for i, settings in enumerate(fine.propose(range(8), []))]
    history[3] = scored(3, {RATE: 1e-2, DROPOUT: 0.01, "optim.name": "sgd"}, 0.9)
    for settings in fine.propose(range(8, 16), history):
        assert 1e-2 / 3.2 <= settings[RATE] <= 1e-2 * 3.2 and settings[DROPOUT] <= 0.125
        assert settings["optim.name"] == "sgd"


def test_without_a_first_half_the_second_covers_the_whole_space() -> None:
    rates = [settings[RATE] for settings in method("coarse-to-fine", 64).propose(range(32, 64), [])]
    assert min(rates) < 1e-3 and max(rates) > 1e-1
