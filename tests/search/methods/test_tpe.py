"""The tree-structured Parzen estimator."""

from __future__ import annotations

from tests.search.methods.test_method import RATE, method, scored

from trainwell.search.trials.read_space import make_space


def test_tpe_proposes_few_at_a_time_so_that_it_learns_from_the_first() -> None:
    assert method("tpe", 12).group_size(0, width=32) == 4
    assert method("tpe", 64).group_size(8, width=32) == 8
    assert method("tpe", 1000).group_size(0, width=32) == 32


def test_tpe_learns_from_what_is_known_and_repeats_itself() -> None:
    def searched() -> list[float]:
        tpe, history = method("tpe", 40, make_space({RATE: "log:1e-4..1"})), []
        for number in range(0, 40, 4):
            for i, settings in enumerate(tpe.propose(range(number, number + 4), history)):
                history.append(scored(number + i, settings, 1 - abs(settings[RATE] - 0.01) ** 0.5))
        return [trial.settings[RATE] for trial in history]

    rates = searched()
    assert rates == searched()
    early, late = ([abs(rate - 0.01) for rate in part] for part in (rates[:12], rates[-12:]))
    assert sorted(late)[6] < sorted(early)[6]
