"""Several processes train what one would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainwell.core.errors import TrainingError, UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import Ground, stand
from trainwell.recipe import edit
from trainwell.search.runner import Decision
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


ORPHAN = """
import sys, time
from tests.search.test_workers import PLACE, POPULATION, RECIPES, processes
from trainwell.recipe import edit
if __name__ == "__main__":
    workers = processes(1, PLACE, POPULATION)
    dealt = workers.start([edit(recipe, {"train.epochs": 2_000}) for recipe in RECIPES])
    print(workers.workers[0].process.pid, flush=True)
    dealt.train(1.0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_nothing_is_left_running_where_the_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "orphan.py").write_text(ORPHAN)
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, tmp_path / "orphan.py"],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths},
    ) as parent:  # fmt: skip
        assert parent.stdout
        child, deadline = int(parent.stdout.readline()), time.monotonic() + 120
        while _cpu(child) < 4 and time.monotonic() < deadline:  # it has imported torch, and trains
            time.sleep(0.1)
        parent.kill()
    while _cpu(child) >= 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _cpu(child) < 0


def _cpu(pid: int) -> float:
    """Return the processor time a process has used, in seconds; -1 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1.0
    return -1.0 if fields[0] == "Z" else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_network_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UsageError, match="top of a module"):
        processes(2, Ground(PLACE.plan, PLACE.splits, lambda recipe, shape, outputs: None), POPULATION)
