"""What every search method must do, and the defaults of the interface."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from trainwell.core.errors import UsageError
from trainwell.search.methods import METHODS, Method
from trainwell.search.trials.read_space import make_space
from trainwell.search.trials.space import Configuration, Space
from trainwell.search.trials.trial import Trial, ValidationScores

RATE, DROPOUT = "optim.learning_rate", "nn.dropout"
SPACE = make_space({RATE: "log:1e-4..1", DROPOUT: "0..0.5", "optim.name": ["sgd", "adamw"]})


class First(Method):
    """Proposes one corner of the space."""

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        return [self.space.at([0.0] * len(self.space)) for _ in numbers]


def scored(number: int, settings: Configuration, score: float) -> Trial:
    return Trial(number, settings, state="done", validation=ValidationScores(score, {"loss": 1 - score}))


def method(name: str, trials: int = 16, space: Space = SPACE) -> Method:
    return METHODS[name](space, trials=trials, seed=0)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("tpe", "grid")])
def test_configurations_are_a_function_of_the_seed_and_their_number(name: str) -> None:
    first = method(name).propose(range(8), [])
    history = [scored(i, settings, 0.5 + i / 100) for i, settings in enumerate(first)]
    whole = method(name).propose(range(8, 16), history)
    parts = [method(name).propose(range(8 + i, 9 + i), history)[0] for i in range(8)]
    assert whole == parts and len({str(settings) for settings in whole}) == 8


@pytest.mark.parametrize("name", METHODS)
def test_groups_cover_all_trials_and_rungs_end_at_1(name: str) -> None:
    chosen = method(name, 40)
    for width in (1, 4, 1000):
        first = 0
        while first < chosen.trials:
            size = chosen.group_size(first, width=width)
            assert size >= 1
            first += size
        assert first == chosen.trials
    for epochs in (1, 3, 27):
        rungs = chosen.rungs(epochs)
        assert rungs == sorted(rungs) and rungs[-1] == 1.0
        assert 0 < chosen.full_trainings(9, epochs) <= 9


@pytest.mark.parametrize("name", METHODS)
def test_no_trials_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        method(name, 0)


def test_a_method_needs_only_propose() -> None:
    first = First(SPACE, trials=5, seed=0)
    assert first.rungs(9) == [1.0] and first.survivors(5, 0) == 5
    assert first.group_size(0, width=3) == 3 and first.group_size(3, width=3) == 2
    assert first.full_trainings(5, 9) == 5
