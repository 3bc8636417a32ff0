"""Training on a real local Ray cluster, and the messages without one."""

from __future__ import annotations

import importlib.util
import socket
import sys

import pytest

from trainwell.core.errors import MissingExtraError, TrainingError, UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.recipe import edit
from trainwell.search.compute.cluster import ray_pool
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.runner import LocalPool

DATA = make_folds(plan(gather("iris", {"train.epochs": 4, "nn.hidden": (8,), "nn.dropout": 0.0})))
RECIPES = [edit(DATA.plan.recipe, {"optim.learning_rate": rate}) for rate in (1e-3, 3e-3, 1e-2, 3e-2, 0.1)]
POPULATION = EngineChoice("population", "", 4)
HAS_RAY = importlib.util.find_spec("ray") is not None


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ray or ray://host:port"):
        ray_pool(DATA, POPULATION, address="spark")


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # what Python itself keeps of a module that cannot be imported
    with pytest.raises(MissingExtraError, match=r"trainwell\[ray\]"):
        ray_pool(DATA, POPULATION, address="ray")


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: pip install 'trainwell[ray]'")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_that_cannot_be_reached_is_one_sentence_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # Ray puts a folder of its own there
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"ray://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"The cluster {address} cannot be reached: Connection refused. Start it"):
            ray_pool(DATA, POPULATION, address=address)
    with pytest.raises(UsageError, match="cannot be reached: Port could not be cast"):
        ray_pool(DATA, POPULATION, address="ray://here:port")


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: pip install 'trainwell[ray]'")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_actors_train_what_one_process_would_and_a_killed_one_is_replaced_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # Ray adds to it
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    pool = ray_pool(DATA, POPULATION, address="ray", count=2)
    try:
        local, sharded = LocalPool(DATA, POPULATION).start(RECIPES), pool.start(RECIPES)
        for runner in (local, sharded):
            runner.train(0.5)
            runner.keep([4, 0, 2])
        ray.kill(pool.workers[0].actor)
        for runner in (local, sharded):
            runner.train(1.0)
        expected = [result.scores["loss"] for (result,) in local.results()]
        assert [result.scores["loss"] for (result,) in sharded.results()] == pytest.approx(expected, abs=1e-5)
        ray.kill(pool.workers[0].actor)
        with pytest.raises(TrainingError, match="died twice"):
            sharded.train(1.0)
        pool.stop()
        gone = [worker.actor for worker in pool.workers]
        assert gone == [] and not [actor for actor in ray.util.list_named_ray_pool(all_namespaces=True)]
    finally:
        pool.stop()
        ray.shutdown()
