"""Several processes train what one would."""

from __future__ import annotations

import os
import signal
import time

import pytest

from trainwell.assemble import gather, plan
from trainwell.core.errors import TrainingError, UsageError
from trainwell.recipe import edit
from trainwell.search.engine import Decision
from trainwell.search.ground import Ground, stand
from trainwell.search.workers import Here, Workers, processes

PLACE = stand(plan(gather("iris", {"train.epochs": 4, "nn.hidden": (8,), "nn.dropout": 0.0})))
RECIPES = [edit(PLACE.plan.recipe, {"optim.learning_rate": rate}) for rate in (1e-3, 3e-3, 1e-2, 3e-2, 0.1)]
POPULATION = Decision("population", "", 4)


@pytest.fixture
def workers():
    made = processes(2, PLACE, POPULATION)
    yield made
    made.stop()


def losses(runner) -> list[float]:
    return [outcome.scores["loss"] for (outcome,) in runner.outcomes()]


def test_two_processes_train_what_one_would_and_a_killed_one_is_replaced_once(workers: Workers) -> None:
    alone = Here(PLACE, POPULATION).start(RECIPES)
    dealt = workers.start(RECIPES)
    assert workers.together == 8
    for runner in (alone, dealt):
        runner.train(0.5)
    assert losses(dealt) == pytest.approx(losses(alone), abs=1e-5)
    for runner in (alone, dealt):
        runner.keep([4, 0, 2])
    first = workers.workers[0]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.join()
    for runner in (alone, dealt):
        runner.train(1.0)
    assert losses(dealt) == pytest.approx(losses(alone), abs=1e-5)
    os.kill(first.process.pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match="died twice"):
        dealt.train(1.0)


def test_a_check_ends_the_processes(workers: Workers) -> None:
    dealt = workers.start(RECIPES)
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > 0.1:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        dealt.train(1.0, check)
    assert not any(worker.process.is_alive() for worker in workers.workers)


def test_a_network_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UsageError, match="top of a module"):
        processes(2, Ground(PLACE.plan, PLACE.splits, lambda recipe, shape, outputs: None), POPULATION)
