"""Member k of a population is the network trained alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from trainwell.fitting import gather, plan
from trainwell.nn import initialise
from trainwell.optim.functional import FUNCTIONAL
from trainwell.population.compatibility import make_member, why_incompatible
from trainwell.population.folds import Folds, NetworkBuilder, make_folds
from trainwell.population.population import Population
from trainwell.population.sequential import SingleTraining
from trainwell.recipe import Recipe, edit


class Normed(nn.Module):
    """Convolution, batch normalisation and a head; 8 x 8 images."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, bias=False)  # Adam would turn the rounding of its zero gradient into steps
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * 36, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.norm(self.conv(x)).relu().flatten(1))
        return y


class Layered(nn.Module):
    """Fully connected with layer normalisation."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(64, 16)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.norm(self.fc(x.flatten(1))).tanh())
        return y


def seeded(make: type[nn.Module]) -> NetworkBuilder:
    def build(recipe: Recipe, shape: tuple[int, ...], outputs: int) -> nn.Module:
        model = make(outputs)
        initialise(model, recipe.nn.initialisation, seed=recipe.seed)
        return model

    return build


def folds_of(build: NetworkBuilder | None = None, folds: int = 1, **edits: object) -> Folds:
    settings = {"train.epochs": 3, "train.batch_size": 64, "nn.hidden": (24,), "nn.dropout": 0.0}
    changes = {key.replace("__", "."): value for key, value in edits.items()}
    planned = plan(gather("digits", settings | changes))
    return make_folds(planned, folds=folds, **({"build": build} if build else {}))


def compare(data: Folds, changes: list[Mapping[str, object]], *, atol: float = 1e-5, fraction: float = 1.0) -> None:
    """Train all together and each alone, 57 steps, and compare weights and scores."""
    recipes = [edit(data.plan.recipe, change) for change in changes]
    pairs = [(recipe, fold) for recipe in recipes for fold in range(data.count)]
    members = [make_member(recipe, data, fold=fold) for recipe, fold in pairs]
    assert len({member.key for member in members}) == 1
    together = Population(members, data, width=4)
    together.train(fraction)
    for number, ((recipe, fold), result) in enumerate(zip(pairs, together.results(), strict=True)):
        alone = SingleTraining(recipe, data, number=fold)
        alone.train(recipe.train.epochs)
        assert alone.state.step >= 50
        for name, weight in alone.model.named_parameters():
            difference = (together.weights(number)[name] - weight).abs().max().item()
            assert difference <= atol, (number, name, difference)
        expected = alone.result().scores
        assert result.scores["loss"] == pytest.approx(expected["loss"], abs=1e-4)
        assert result.scores["accuracy"] == pytest.approx(expected["accuracy"], abs=0.01)


RATES: list[Mapping[str, object]] = [{"optim.learning_rate": rate} for rate in (1e-3, 3e-3, 0.01)]
VARIED: list[Mapping[str, object]] = [
    {"optim.momentum": 0.5, "optim.weight_decay": 0.1},
    {"optim.nesterov": False, "nn.initialisation": "xavier_uniform"},
    {"optim.beta1": 0.8, "optim.schedule": "linear", "optim.warmup": 0.2},
    {"task.label_smoothing": 0.1, "train.clip_norm": 0.5},
    {"seed": 7},
]


@pytest.mark.parametrize("name", sorted(FUNCTIONAL))
def test_members_of_every_optimizer_equal_networks_trained_alone(name: str) -> None:
    compare(folds_of(optim__name=name, optim__learning_rate=0.005), VARIED)


@pytest.mark.parametrize(
    "build",
    [seeded(Normed), seeded(Layered)],
    ids=["batch norm", "layer norm"],
)
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_members_of_every_layer_equal_networks_trained_alone(build: NetworkBuilder, name: str) -> None:
    compare(folds_of(build, optim__name=name), RATES)


@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_networks_whose_recipe_asks_for_normalisation_train_together(normalisation: str) -> None:
    data = folds_of(nn__normalisation=normalisation, optim__name="sgd")
    assert not why_incompatible(data.plan.recipe)
    compare(data, RATES)


def test_folds_train_together() -> None:
    compare(folds_of(folds=3, train__batch_size=60), RATES[:2])


def test_augmented_images_are_the_same_as_alone() -> None:
    compare(folds_of(data__shift=1), RATES[:2])


def test_regression_trains_together() -> None:
    data = make_folds(plan(gather("diabetes", {"train.epochs": 6, "train.batch_size": 32})), folds=2)
    recipe = edit(data.plan.recipe, {"nn.dropout": 0.0})
    members = [make_member(recipe, data, fold=fold) for fold in (0, 1)]
    together = Population(members, data)
    together.train(1.0)
    for fold, result in enumerate(together.results()):
        alone = SingleTraining(recipe, data, number=fold)
        alone.train(recipe.train.epochs)
        assert result.scores["r2"] == pytest.approx(alone.result().scores["r2"], abs=1e-3)


def test_dropout_of_each_member_has_its_own_probability() -> None:
    data = folds_of()
    recipes = [edit(data.plan.recipe, {"nn.dropout": p}) for p in (0.0, 0.1, 0.5)]
    members = [make_member(recipe, data) for recipe in recipes]
    assert len({member.key for member in members}) == 1
    together = Population(members, data)
    assert together.stacks[0].tensors.buffers["dropout1.p"].tolist() == pytest.approx([0.0, 0.1, 0.5])
    together.train(1.0)
    scores = [result.scores["accuracy"] for result in together.results()]
    alone = SingleTraining(recipes[0], data)
    alone.train(3)
    assert scores[0] == pytest.approx(alone.result().scores["accuracy"], abs=0.01)
    losses = []
    for seed in range(3):
        single = SingleTraining(edit(recipes[2], {"seed": seed}), data)
        single.train(3)
        losses.append(single.result().scores["loss"])
    assert min(losses) - 0.15 < together.results()[2].scores["loss"] < max(losses) + 0.15


def test_halving_keeps_the_chosen_members_and_their_order() -> None:
    data = folds_of()
    recipes = [edit(data.plan.recipe, {"optim.learning_rate": rate}) for rate in (1e-4, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3)]
    whole = Population([make_member(recipe, data) for recipe in recipes], data, width=2)
    whole.train(1.0)
    halved = Population([make_member(recipe, data) for recipe in recipes], data, width=2)
    halved.train(1 / 3)
    halved.keep([4, 1, 5])
    halved.train(1.0)
    assert [len(stack.members) for stack in halved.stacks] == [2, 1]
    for number, position in enumerate([4, 1, 5]):
        for name, weight in whole.weights(position).items():
            torch.testing.assert_close(halved.weights(number)[name], weight, rtol=0, atol=1e-5)
    assert halved.results()[1].scores["loss"] == pytest.approx(whole.results()[1].scores["loss"], abs=1e-4)


def test_a_diverged_member_does_not_affect_the_others() -> None:
    data = folds_of(optim__name="sgd")
    rates = [0.01, 1e30, 0.02]
    recipes = [edit(data.plan.recipe, {"optim.learning_rate": rate, "optim.warmup": 0.0}) for rate in rates]
    mixed = Population([make_member(recipe, data) for recipe in recipes], data)
    healthy = Population([make_member(recipe, data) for recipe in (recipes[0], recipes[2])], data)
    for population in (mixed, healthy):
        population.train(1.0)
    results = mixed.results()
    assert not results[1].scores and "1e+30" in results[1].reason
    for here, there in ((0, 0), (2, 1)):
        assert results[here].scores == pytest.approx(healthy.results()[there].scores)
        for name, weight in healthy.weights(there).items():
            torch.testing.assert_close(mixed.weights(here)[name], weight, rtol=0, atol=1e-6)
