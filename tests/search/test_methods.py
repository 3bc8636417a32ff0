"""Which configurations come next."""

from __future__ import annotations

import pytest

from trainwell.core.errors import UsageError
from trainwell.search.methods import METHODS, Proposer
from trainwell.search.space import Space, make_space
from trainwell.search.trial import Trial

RATE, DROPOUT = "optim.learning_rate", "nn.dropout"
SPACE = make_space({RATE: "log:1e-4..1", DROPOUT: "0..0.5", "optim.name": ["sgd", "adamw"]})


def proposer(method: str, trials: int = 16, space: Space = SPACE) -> Proposer:
    return Proposer(space, method=method, trials=trials, seed=0)


def judged(number: int, point, score: float) -> Trial:
    return Trial(number, point, "done", score, {"accuracy": score, "loss": 1 - score})


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("tpe", "grid")])
def test_points_are_a_function_of_the_seed_and_their_number(method: str) -> None:
    history = [judged(i, point, 0.5 + i / 100) for i, point in enumerate(proposer(method).propose(0, 8, []))]
    whole = proposer(method).propose(8, 8, history)
    parts = [proposer(method).propose(8 + i, 1, history)[0] for i in range(8)]
    assert whole == parts and len({str(point) for point in whole}) == 8


def test_random_and_sobol_spread_over_the_space() -> None:
    for method in ("random", "sobol"):
        rates = [point[RATE] for point in proposer(method, 64).propose(0, 64, [])]
        assert 18 <= sum(rate < 1e-2 for rate in rates) <= 46


def test_a_grid_is_full_and_within_the_limit() -> None:
    grid = proposer("grid", 18)
    points = grid.propose(0, 100, [])
    assert grid.trials == len(points) == 18 and {point[RATE] for point in points} == {1e-4, 1e-2, 1.0}
    with pytest.raises(UsageError, match="at least 8 points, more than --trials 7"):
        proposer("grid", 7)


def test_a_grid_names_each_point_once_where_conditions_make_them_equal() -> None:
    space = make_space(
        {"optim.name": ["sgd", "adamw"], "optim.momentum": {"vary": "0.5..0.9", "when": {"optim.name": "sgd"}}}
    )
    assert proposer("grid", 4, space).trials == 3


def test_tpe_asks_for_few_at_a_time_so_that_it_learns_from_the_first() -> None:
    assert proposer("tpe", 12).cohort(0, 32) == 4 and proposer("tpe", 64).cohort(8, 32) == 8
    assert proposer("tpe", 1000).cohort(0, 32) == 32


def test_the_second_stage_lies_near_the_best_of_the_first() -> None:
    fine = proposer("coarse-to-fine", 16)
    assert fine.cohort(0, 100) == 8 and fine.cohort(6, 100) == 2 and fine.cohort(8, 100) == 8
    history = [judged(i, point, 0.5) for i, point in enumerate(fine.propose(0, 8, []))]
    history[3] = judged(3, {RATE: 1e-2, DROPOUT: 0.01, "optim.name": "sgd"}, 0.9)
    for point in fine.propose(8, 8, history):
        assert 1e-2 / 3.2 <= point[RATE] <= 1e-2 * 3.2 and point[DROPOUT] <= 0.125 and point["optim.name"] == "sgd"


def test_halving_has_rungs_where_there_are_epochs_for_them() -> None:
    assert proposer("halving").shares(27) == pytest.approx([1 / 9, 1 / 3, 1])
    assert proposer("halving").shares(3) == pytest.approx([1 / 3, 1])
    assert proposer("halving").shares(1) == [1.0] == proposer("sobol").shares(27)


def test_tpe_learns_from_what_is_known_and_repeats_itself() -> None:
    def searched() -> list[float]:
        tpe, history = proposer("tpe", 40, make_space({RATE: "log:1e-4..1"})), []
        for number in range(0, 40, 4):
            for i, point in enumerate(tpe.propose(number, 4, history)):
                history.append(judged(number + i, point, 1 - abs(point[RATE] - 0.01) ** 0.5))
        return [trial.settings[RATE] for trial in history]

    rates = searched()
    assert rates == searched()
    early, late = ([abs(rate - 0.01) for rate in part] for part in (rates[:12], rates[-12:]))
    assert sorted(late)[6] < sorted(early)[6]


def test_unknown_methods_and_no_trials_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'sobol'"):
        proposer("soboll")
    with pytest.raises(UsageError, match="at least 1"):
        proposer("sobol", 0)
