"""What every optimizer of the catalogue keeps: weight decay, penalties, a state to resume from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim import OPTIMIZERS, needs_closure, optimizer, parameter_groups
from trainwell.recipe.sections import OptimRecipe


def test_biases_and_scales_do_not_decay() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    decayed, others = parameter_groups(net, 0.1)
    assert [p.ndim for p in decayed["params"]] == [2]
    assert [p.ndim for p in others["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_a_frozen_network_is_refused() -> None:
    net = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(UsageError, match="at least one trainable parameter"):
        optimizer(net, OptimRecipe(), learning_rate=0.1)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_lowers_a_loss_and_goes_on_from_its_state(name: str, regression) -> None:
    """docs/curriculum.md, E2, E3: ten steps, a state saved and loaded after five, equal ten steps in one go."""
    rate = {"adadelta": 1.0, "vsgd": 1.0, "lbfgs": 1.0, "newton": 0.1, "saddle_free": 0.5}.get(name, 0.02)
    recipe = OptimRecipe(name=name, damping=0.1, refresh=3, weight_decay=0.01)

    def steps(net, built, x, y, count):
        for _ in range(count):
            loss = (net(x) - y).square().mean()
            built.zero_grad()
            loss.backward()
            built.step(lambda: (net(x) - y).square().mean()) if needs_closure(built) else built.step()

    net, x, y = regression()
    before = (net(x) - y).square().mean().item()
    steps(net, optimizer(net, recipe, learning_rate=rate), x, y, 10)
    assert (net(x) - y).square().mean().item() < before
    other, x, y = regression()
    first = optimizer(other, recipe, learning_rate=rate)
    steps(other, first, x, y, 5)
    second = optimizer(other, recipe, learning_rate=rate)
    second.load_state_dict(first.state_dict())
    del first
    steps(other, second, x, y, 5)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def build(net: nn.Module, **choices) -> torch.optim.Optimizer:
    recipe = OptimRecipe(**{"learning_rate": 0.01, "weight_decay": 0.0} | choices)
    return optimizer(net, recipe, learning_rate=recipe.learning_rate)


@pytest.fixture
def ends(regression):
    """Return what trains for 20 steps and returns all weights."""

    def run(**choices) -> torch.Tensor:
        net, x, y = regression()
        built = build(net, **choices)
        for _ in range(20):
            built.zero_grad()
            (net(x) - y).square().mean().backward()
            built.step()
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    return run


@pytest.mark.parametrize(("name", "equal"), [("sgd", True), ("adam", False)])
def test_coupled_and_decoupled_decay_are_the_same_for_plain_descent_only(ends, name: str, equal: bool) -> None:
    """docs/curriculum.md, E4."""
    coupled = ends(name=name, momentum=0.0, weight_decay=0.5)
    assert torch.allclose(coupled, ends(name=name, momentum=0.0, l2=0.5), atol=1e-6)
    assert torch.allclose(coupled, ends(name=name, momentum=0.0, weight_decay=0.5, decoupled=True), atol=1e-5) is equal


def test_decoupled_adam_is_adamw_and_l2_reaches_adamw_through_the_gradient(ends) -> None:
    assert torch.allclose(ends(name="adam", weight_decay=0.5, decoupled=True), ends(name="adamw", weight_decay=0.5))
    assert torch.allclose(ends(name="adam", l2=0.5), ends(name="adamw", l2=0.5), atol=1e-6)


def test_l1_makes_zeros_and_spares_biases_unless_asked(ends) -> None:
    """docs/curriculum.md, G1."""
    weights, biases = slice(0, 20), slice(20, 25)
    penalised, all_of_it = ends(name="sgd", l1=5.0), ends(name="sgd", l1=5.0, penalise_biases=True)
    assert (penalised[weights] == 0).all() and not (penalised[biases] == 0).any()
    assert (all_of_it[biases] == 0).any()


@pytest.mark.parametrize("name", ["newton", "saddle_free", "vsgd"])
def test_l2_reaches_those_that_look_again_whether_decay_is_decoupled_or_not(regression, name: str) -> None:
    """E4: they never read the gradients that a penalty could be added to."""

    def end(**choices) -> torch.Tensor:
        net, x, y = regression()
        built = build(net, name=name, learning_rate=0.1, **choices)
        for _ in range(3):
            built.step(lambda: (net(x) - y).square().mean())
        return net[0].weight.detach()

    assert torch.equal(end(l2=5.0), end(l2=5.0, decoupled=True))
    assert not torch.equal(end(), end(l2=5.0, decoupled=True))


@pytest.mark.parametrize("name", ["sgd", "kfac"])
def test_biases_decay_where_asked(regression, name: str) -> None:
    def end(asked: bool) -> torch.Tensor:
        net, x, y = regression()
        torch.nn.init.constant_(net[0].bias, 3.0)
        built = build(net, name=name, learning_rate=0.1, weight_decay=5.0, penalise_biases=asked)
        (net(x) - y).square().mean().backward()
        built.step()
        return net[0].bias.detach()

    assert (end(True) < end(False)).all()
