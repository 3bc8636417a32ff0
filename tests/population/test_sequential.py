"""One network after the other: the same training as a run, in portions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import trainwell as tw
from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.population.sequential import SequentialTraining, SingleTraining
from trainwell.recipe import edit

DATA = make_folds(plan(gather("iris", {"train.epochs": 6, "train.patience": 0, "nn.hidden": (8,)})))


def test_a_single_equals_a_run_of_the_same_recipe(tmp_path: Path) -> None:
    edits = {"train.epochs": 1, "train.patience": 0, "nn.hidden": (8,)}
    run = tw.fit("iris", edits=edits, runs=tmp_path)
    single = SingleTraining(edit(DATA.plan.recipe, {"train.epochs": 1}), DATA)
    single.train(1)
    for name, weight in run.model().state_dict().items():
        assert torch.equal(single.model.state_dict()[name], weight)


def test_training_in_portions_changes_nothing() -> None:
    whole, portions = SingleTraining(DATA.plan.recipe, DATA), SingleTraining(DATA.plan.recipe, DATA)
    whole.train(6)
    for epochs in (1, 3, 3, 6):
        portions.train(epochs)
    assert portions.state.epoch == 6
    for one, two in zip(whole.model.parameters(), portions.model.parameters(), strict=True):
        assert torch.equal(one, two)
    assert whole.result() == portions.result()


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_averaged_weights_are_scored_and_put_back(ema: float) -> None:
    single = SingleTraining(edit(DATA.plan.recipe, {"train.ema": ema}), DATA)
    single.train(2)
    before = [p.clone() for p in single.model.parameters()]
    single.result()
    assert all(torch.equal(a, b) for a, b in zip(before, single.model.parameters(), strict=True))


def test_a_network_that_diverges_is_a_result_and_the_others_train_on() -> None:
    base = edit(DATA.plan.recipe, {"optim.name": "sgd", "optim.warmup": 0.0})
    training = SequentialTraining([edit(base, {"optim.learning_rate": rate}) for rate in (0.01, 1e30, 0.02)], DATA)
    training.train(0.5)
    first = [results[0] for results in training.results()]
    assert first[0].scores and first[2].scores and not first[1].scores and "learning rate" in first[1].reason
    training.keep([2])
    training.train(1.0)
    assert len(training.results()) == 1 and training.results()[0][0].scores


def test_a_check_breaks_off() -> None:
    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        SequentialTraining([DATA.plan.recipe], DATA).train(1.0, check)
