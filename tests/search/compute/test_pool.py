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
from trainwell.population.folds import Folds, make_folds
from trainwell.recipe import edit
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.pool import WorkerPool, process_pool
from trainwell.search.compute.runner import LocalPool

DATA = make_folds(plan(gather("iris", {"train.epochs": 4, "nn.hidden": (8,), "nn.dropout": 0.0})))
RECIPES = [edit(DATA.plan.recipe, {"optim.learning_rate": rate}) for rate in (1e-3, 3e-3, 1e-2, 3e-2, 0.1)]
POPULATION = EngineChoice("population", "", 4)


@pytest.fixture
def pool():
    made = process_pool(DATA, POPULATION, count=2)
    yield made
    made.stop()


def losses(runner) -> list[float]:
    return [result.scores["loss"] for (result,) in runner.results()]


def test_two_processes_train_what_one_would_and_a_killed_one_is_replaced_once(pool: WorkerPool) -> None:
    local = LocalPool(DATA, POPULATION).start(RECIPES)
    sharded = pool.start(RECIPES)
    assert pool.width == 8
    for runner in (local, sharded):
        runner.train(0.5)
    assert losses(sharded) == pytest.approx(losses(local), abs=1e-5)
    for runner in (local, sharded):
        runner.keep([4, 0, 2])
    first = pool.workers[0]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.join()
    for runner in (local, sharded):
        runner.train(1.0)
    assert losses(sharded) == pytest.approx(losses(local), abs=1e-5)
    os.kill(first.process.pid, signal.SIGKILL)
    with pytest.raises(TrainingError, match="died twice"):
        sharded.train(1.0)


def test_a_check_ends_the_process_pool(pool: WorkerPool) -> None:
    sharded = pool.start(RECIPES)
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > 0.1:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        sharded.train(1.0, check)
    assert not any(worker.process.is_alive() for worker in pool.workers)


ORPHAN = """
import sys, time
from tests.search.compute.test_pool import DATA, POPULATION, RECIPES, process_pool
from trainwell.recipe import edit
if __name__ == "__main__":
    pool = process_pool(DATA, POPULATION, count=1)
    sharded = pool.start([edit(recipe, {"train.epochs": 2_000}) for recipe in RECIPES])
    print(pool.workers[0].process.pid, flush=True)
    sharded.train(1.0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_nothing_is_left_running_where_the_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "orphan.py").write_text(ORPHAN)
    paths = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
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
    with pytest.raises(UsageError, match="top level of a module"):
        process_pool(Folds(DATA.plan, DATA.splits, lambda recipe, shape, outputs: None), POPULATION, count=2)
