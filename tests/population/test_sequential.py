"""One network after the other: the same training as a run, in portions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import trainwell as tw
from trainwell.fitting import gather, plan
from trainwell.population.folds import stand
from trainwell.population.sequential import Sequential, Single
from trainwell.recipe import edit

PLACE = stand(plan(gather("iris", {"train.epochs": 6, "train.patience": 0, "nn.hidden": (8,)})))


def test_a_single_equals_a_run_of_the_same_recipe(tmp_path: Path) -> None:
    edits = {"train.epochs": 1, "train.patience": 0, "nn.hidden": (8,)}
    run = tw.fit("iris", edits=edits, runs=tmp_path)
    single = Single(edit(PLACE.plan.recipe, {"train.epochs": 1}), PLACE)
    single.train(1)
    for name, weight in run.model().state_dict().items():
        assert torch.equal(single.model.state_dict()[name], weight)


def test_training_in_portions_changes_nothing() -> None:
    whole, portions = Single(PLACE.plan.recipe, PLACE), Single(PLACE.plan.recipe, PLACE)
    whole.train(6)
    for epochs in (1, 3, 3, 6):
        portions.train(epochs)
    assert portions.state.epoch == 6
    for one, two in zip(whole.model.parameters(), portions.model.parameters(), strict=True):
        assert torch.equal(one, two)
    assert whole.outcome() == portions.outcome()


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_averaged_weights_are_scored_and_put_back(ema: float) -> None:
    single = Single(edit(PLACE.plan.recipe, {"train.ema": ema}), PLACE)
    single.train(2)
    before = [p.clone() for p in single.model.parameters()]
    single.outcome()
    assert all(torch.equal(a, b) for a, b in zip(before, single.model.parameters(), strict=True))


def test_what_diverges_is_an_outcome_and_the_others_go_on() -> None:
    base = edit(PLACE.plan.recipe, {"optim.name": "sgd", "optim.warmup": 0.0})
    crew = Sequential([edit(base, {"optim.learning_rate": rate}) for rate in (0.01, 1e30, 0.02)], PLACE)
    crew.train(0.5)
    first = [outcomes[0] for outcomes in crew.outcomes()]
    assert first[0].scores and first[2].scores and not first[1].scores and "learning rate" in first[1].reason
    crew.keep([2])
    crew.train(1.0)
    assert len(crew.outcomes()) == 1 and crew.outcomes()[0][0].scores


def test_a_check_breaks_off() -> None:
    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Sequential([PLACE.plan.recipe], PLACE).train(1.0, check)
