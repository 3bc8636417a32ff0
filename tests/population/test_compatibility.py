"""Who can share a program with whom."""

from __future__ import annotations

import pytest
from torch import nn

from trainwell.fitting import gather, plan
from trainwell.population.compatibility import PER_MEMBER, make_member, why_incompatible
from trainwell.population.folds import make_folds
from trainwell.recipe import Recipe, edit
from trainwell.recipe.schema import SETTINGS

DATA = make_folds(plan(gather("digits", {"nn.hidden": (8,)})))
OTHER = {
    "seed": 5,
    "nn.dropout": 0.3,
    "nn.initialisation": "zeros",
    "task.label_smoothing": 0.1,
    "optim.nesterov": False,
    "optim.schedule": "linear",
}


@pytest.mark.parametrize("key", PER_MEMBER)
def test_members_that_differ_in_numbers_share_a_program(key: str) -> None:
    other = edit(DATA.plan.recipe, {key: OTHER.get(key, 0.5)})
    assert make_member(other, DATA).key == make_member(DATA.plan.recipe, DATA).key
    assert key in SETTINGS


@pytest.mark.parametrize(
    "change",
    [
        {"nn.hidden": (9,)},
        {"nn.hidden": (8, 8)},
        {"nn.activation": "tanh"},
        {"optim.name": "sgd"},
        {"train.batch_size": 7},
        {"train.epochs": 2},
        {"nn.model": "logistic"},
    ],
    ids=str,
)
def test_members_of_another_shape_do_not(change) -> None:
    other = edit(DATA.plan.recipe, change)
    assert make_member(other, DATA).key != make_member(DATA.plan.recipe, DATA).key


@pytest.mark.parametrize(
    "change", [{"train.ema": 0.9}, {"train.micro_batch": 8}, {"nn.pooling": "stochastic"}], ids=str
)
def test_what_a_population_does_not_know_trains_alone(change) -> None:
    (key,) = change
    assert key in why_incompatible(edit(Recipe(), change))


def test_an_optimizer_without_a_pure_rule_trains_alone() -> None:
    assert "kfac" in why_incompatible(edit(Recipe(), {"optim.name": "kfac"})) and not why_incompatible(Recipe())


def test_a_layer_that_makes_its_own_use_of_dropout_keeps_it() -> None:
    def build(recipe: Recipe, shape: tuple[int, ...], outputs: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(recipe.nn.dropout / 2), nn.Linear(64, outputs))

    data = make_folds(plan(gather("digits", {"nn.dropout": 0.4})), build=build)
    assert make_member(data.plan.recipe, data).model[1].p.item() == pytest.approx(0.2)
