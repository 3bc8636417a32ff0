"""The pure optimizers equal torch's, alone and for many networks at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainwell.optim import OPTIMIZERS, optimizer
from trainwell.optim.functional import FUNCTIONAL, Settings
from trainwell.recipe.sections import OptimRecipe

STEPS = 100
VARIANTS = [
    OptimRecipe(name="sgd", learning_rate=0.1, momentum=0.0, weight_decay=0.0),
    OptimRecipe(name="sgd", learning_rate=0.05, momentum=0.9, nesterov=False, weight_decay=0.01),
    OptimRecipe(name="sgd", learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    OptimRecipe(name="adam", learning_rate=0.01, weight_decay=0.1),
    OptimRecipe(name="adamw", learning_rate=0.01, beta1=0.8, beta2=0.99, weight_decay=0.1),
    OptimRecipe(name="momentum", learning_rate=0.05, nesterov=True, weight_decay=0.01),
    OptimRecipe(name="nesterov", learning_rate=0.05, nesterov=False, weight_decay=0.01),
    OptimRecipe(name="adagrad", learning_rate=0.05, weight_decay=0.01),
    OptimRecipe(name="adadelta", learning_rate=1.0, epsilon=1e-6, weight_decay=0.01),
    OptimRecipe(name="rmsprop", learning_rate=0.001, rho=0.9, weight_decay=0.01),
    OptimRecipe(name="rprop", learning_rate=0.01),
    OptimRecipe(name="asgd", learning_rate=0.05, weight_decay=0.01),
]


def settings_of(recipe: OptimRecipe) -> Settings:
    values = {name: torch.tensor(float(getattr(recipe, name))) for name in Settings._fields}
    return Settings(**values)


GENERATOR = torch.Generator().manual_seed(0)
X, Y = torch.randn(32, 5, generator=GENERATOR), torch.randn(32, 3, generator=GENERATOR)


def loss_of(weights: dict[str, Tensor]) -> Tensor:
    return ((X @ weights["weight"].T + weights["bias"]).tanh() - Y).square().mean()


def by_torch(recipe: OptimRecipe) -> dict[str, Tensor]:
    torch.manual_seed(1)
    layer = nn.Linear(5, 3)
    built = optimizer(layer, recipe, learning_rate=recipe.learning_rate)
    for _ in range(STEPS):
        built.zero_grad()
        loss_of(dict(layer.named_parameters())).backward()
        built.step()
    return {name: tensor.detach() for name, tensor in layer.named_parameters()}


def start() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {name: tensor.detach().clone() for name, tensor in nn.Linear(5, 3).named_parameters()}


@pytest.mark.parametrize("recipe", VARIANTS, ids=lambda recipe: f"{recipe.name}-{recipe.momentum}-{recipe.nesterov}")
def test_a_rule_equals_torchs_after_100_steps(recipe: OptimRecipe) -> None:
    rule, weights = FUNCTIONAL[recipe.name], start()
    state = rule.start(weights)
    for step in range(STEPS):
        gradients = torch.func.grad(loss_of)(weights)
        weights, state = rule.update(weights, gradients, state=state, settings=settings_of(recipe), number=step + 1)
    expected = by_torch(recipe)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(FUNCTIONAL))
def test_under_vmap_each_network_has_settings_of_its_own(name: str) -> None:
    rule, rates, first = FUNCTIONAL[name], torch.tensor([0.001, 0.01, 0.05]), start()

    def train(rate: Tensor) -> dict[str, Tensor]:
        weights, state = first, rule.start(first)
        for step in range(10):
            weights, state = rule.update(
                weights,
                torch.func.grad(loss_of)(weights),
                state=state,
                settings=Settings(rate, momentum=0.9, weight_decay=0.1),
                number=step + 1,
            )
        return weights

    together = torch.func.vmap(train)(rates)
    for number, rate in enumerate(rates):
        alone = train(rate)
        for key, tensor in alone.items():
            torch.testing.assert_close(together[key][number], tensor, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(FUNCTIONAL))
def test_stacked_networks_are_updated_as_each_alone(name: str) -> None:
    rule, count = FUNCTIONAL[name], 3
    shapes = {"filters": (2, 3, 3), "weight": (5, 4), "bias": (4,), "scale": ()}
    weights = {key: torch.randn(count, *shape) for key, shape in shapes.items()}
    columns = Settings(*(torch.rand(count) * 0.9 for _ in Settings._fields))._replace(
        nesterov=torch.tensor([0.0, 1.0, 1.0])
    )
    together, state = weights, rule.start(weights)
    alone = [{key: tensor[k] for key, tensor in weights.items()} for k in range(count)]
    states = [rule.start(each) for each in alone]
    for number in range(1, 6):
        gradients = {key: torch.randn_like(tensor) for key, tensor in weights.items()}
        together, state = rule.update(together, gradients, state=state, settings=columns, number=number, stacked=True)
        for k in range(count):
            alone[k], states[k] = rule.update(
                alone[k],
                {key: tensor[k] for key, tensor in gradients.items()},
                state=states[k],
                settings=Settings(*(value[k] for value in columns)),
                number=number,
            )
    for key, tensor in together.items():
        torch.testing.assert_close(tensor, torch.stack([each[key] for each in alone]), rtol=1e-5, atol=1e-6)


def test_every_pure_rule_has_its_twin_in_torch() -> None:
    assert set(FUNCTIONAL) <= set(OPTIMIZERS)
    assert {recipe.name for recipe in VARIANTS} == set(FUNCTIONAL)


def test_the_mean_of_averaged_sgd_is_torchs() -> None:
    recipe, rule, weights = OptimRecipe(name="asgd", learning_rate=0.05, weight_decay=0.0), FUNCTIONAL["asgd"], start()
    state = rule.start(weights)
    torch.manual_seed(1)
    layer = nn.Linear(5, 3)
    built = optimizer(layer, recipe, learning_rate=recipe.learning_rate)
    for step in range(STEPS):
        gradients = torch.func.grad(loss_of)(weights)
        weights, state = rule.update(weights, gradients, state=state, settings=settings_of(recipe), number=step + 1)
        built.zero_grad()
        loss_of(dict(layer.named_parameters())).backward()
        built.step()
    torch.testing.assert_close(state["weight"][0], built.state[layer.weight]["ax"], rtol=0, atol=1e-6)
