"""Training some configurations in this process."""

from __future__ import annotations

import pytest

from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.recipe import edit
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.runner import LocalPool, LocalRunner

DATA = make_folds(plan(gather("digits", {"train.epochs": 2, "nn.hidden": (8,), "nn.dropout": 0.0})))


@pytest.mark.parametrize("engine", ["population", "sequential"])
def test_a_crew_keeps_everybodys_make_data(engine: str) -> None:
    rates = [1e-3, 2e-3, 3e-3, 4e-3, 5e-3]
    recipes = [edit(DATA.plan.recipe, {"optim.learning_rate": rate}) for rate in rates]
    recipes[2:2] = [edit(recipes[0], {"nn.hidden": (5,)}), edit(recipes[0], {"train.ema": 0.5})]
    losses = {}
    whole = LocalRunner(recipes, DATA, choice=EngineChoice(engine, "", 4))
    whole.train(1.0)
    for number, (result,) in enumerate(whole.results()):
        losses[number] = result.scores["loss"]
    halved = LocalRunner(recipes, DATA, choice=EngineChoice(engine, "", 4))
    halved.train(0.5)
    halved.keep([0, 2, 3, 6])
    halved.train(1.0)
    kept = [result.scores["loss"] for (result,) in halved.results()]
    assert kept == pytest.approx([losses[number] for number in (0, 2, 3, 6)], abs=1e-4)
    alone = LocalRunner([recipes[2]], DATA, choice=EngineChoice("sequential", ""))
    alone.train(1.0)
    assert losses[2] == pytest.approx(alone.results()[0][0].scores["loss"], abs=1e-4)


def test_a_pool_trains_as_many_together_as_its_engine() -> None:
    assert LocalPool(DATA, EngineChoice("population", "", 32)).width == 32
    assert LocalPool(DATA, EngineChoice("sequential", "")).width == 1
