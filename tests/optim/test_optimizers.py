"""Optimizers equal their formulas over 100 steps (curriculum E1, E2, E4)."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim import OPTIMIZERS, needs_closure, optimizer, parameter_groups
from trainwell.recipe.sections import OptimRecipe

A = torch.diag(torch.tensor([20.0, 5.0], dtype=torch.float64))  # z = 10 x^2 + 2.5 y^2


def sgd(w, g, state, r):
    state["v"] = r.momentum * state.get("v", 0) + g
    return w - r.learning_rate * (g + r.momentum * state["v"] if r.nesterov else state["v"])


def adam(w, g, state, r, decoupled=False):
    if decoupled:
        w = w * (1 - r.learning_rate * r.weight_decay)
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = m = r.beta1 * state.get("m", 0) + (1 - r.beta1) * g
    state["v"] = v = r.beta2 * state.get("v", 0) + (1 - r.beta2) * g * g
    return w - r.learning_rate * (m / (1 - r.beta1**t)) / ((v / (1 - r.beta2**t)).sqrt() + r.epsilon)


def adamw(w, g, state, r):
    return adam(w, g, state, r, decoupled=True)


def adagrad(w, g, state, r):
    state["v"] = state.get("v", 0) + g * g
    return w - r.learning_rate * g / (state["v"].sqrt() + r.epsilon)


def adadelta(w, g, state, r):
    state["v"] = v = r.rho * state.get("v", 0) + (1 - r.rho) * g * g
    moved = state.get("d", torch.zeros_like(w))
    step = ((moved + r.epsilon) / (v + r.epsilon)).sqrt() * g
    state["d"] = r.rho * moved + (1 - r.rho) * step * step
    return w - r.learning_rate * step


def rmsprop(w, g, state, r):
    state["v"] = v = r.rho * state.get("v", 0) + (1 - r.rho) * g * g
    return w - r.learning_rate * g / (v.sqrt() + r.epsilon)


def rprop(w, g, state, r):
    """Steps grow by 1.2 while a slope keeps its sign, shrink by 0.5 and pause when it turns."""
    agree = (state.get("g", torch.zeros_like(g)) * g).sign()
    size = state.get("size", torch.full_like(w, r.learning_rate))
    state["size"] = size = (size * torch.where(agree > 0, 1.2, torch.where(agree < 0, 0.5, 1.0))).clamp(1e-6, 50)
    state["g"] = g = torch.where(agree < 0, 0.0, g)
    return w - size * g.sign()


def asgd(w, g, state, r):
    return w - r.learning_rate * g


def momentum(w, g, state, r):
    return sgd(w, g, state, dataclasses.replace(r, nesterov=False))


def nesterov(w, g, state, r):
    return sgd(w, g, state, dataclasses.replace(r, nesterov=True))


FORMULAS = {f.__name__: f for f in (sgd, momentum, nesterov, adam, adamw, adagrad, adadelta, rmsprop, rprop, asgd)}
CURVED = {"vsgd", "lbfgs", "kfac", "newton", "saddle_free"}  # those have files of their own


class Bowl(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[1.0, 1.0]], dtype=torch.float64))

    def forward(self):
        return 0.5 * (self.w @ A @ self.w.T).sum()


@pytest.mark.parametrize("name", list(FORMULAS))
@pytest.mark.parametrize("ahead", [True, False])
def test_a_hundred_steps_equal_the_formula(name: str, ahead: bool) -> None:
    recipe = OptimRecipe(name=name, learning_rate=0.01, weight_decay=0.0 if name != "adamw" else 0.1, nesterov=ahead)
    net, state = Bowl(), {}
    opt = optimizer(net, recipe)
    w = net.w.detach().clone()
    for _ in range(100):
        opt.zero_grad()
        net().backward()
        opt.step()
        w = FORMULAS[name](w, w @ A, state, recipe)
    assert torch.allclose(net.w, w, atol=1e-6)


@pytest.mark.parametrize(("rate", "converges"), [(0.0999, True), (0.1001, False)])
def test_plain_descent_converges_exactly_below_one_tenth(rate: float, converges: bool) -> None:
    net = Bowl()
    opt = optimizer(net, OptimRecipe(name="sgd", learning_rate=rate, momentum=0.0, weight_decay=0.0))
    for _ in range(20_000):
        opt.zero_grad()
        net().backward()
        opt.step()
    assert (net().item() < 1e-12) is converges


def test_biases_and_scales_do_not_decay() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    decayed, others = parameter_groups(net, 0.1)
    assert [p.ndim for p in decayed["params"]] == [2]
    assert [p.ndim for p in others["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_a_frozen_network_is_refused() -> None:
    net = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(UsageError, match="at least one trainable parameter"):
        optimizer(net, OptimRecipe())


def test_averaged_sgd_takes_the_rate_of_the_step() -> None:
    layer = nn.Linear(1, 1, bias=False)
    built = optimizer(layer, OptimRecipe(name="asgd", learning_rate=1.0, weight_decay=0.0))
    for rate in (0.1, 0.5, 0.01):
        before = layer.weight.item()
        built.param_groups[0]["lr"] = rate
        layer.weight.grad = torch.ones(1, 1)
        built.step()
        assert before - layer.weight.item() == pytest.approx(rate, abs=1e-6)


def test_asgd_holds_the_mean_of_all_weights() -> None:
    """Of all but the first: torch counts from the second step on."""
    net = Bowl()
    opt = optimizer(net, OptimRecipe(name="asgd", learning_rate=0.01, weight_decay=0.0))
    seen = []
    for _ in range(50):
        opt.zero_grad()
        net().backward()
        opt.step()
        seen.append(net.w.detach().clone())
    assert torch.allclose(opt.state[net.w]["ax"], torch.stack(seen[1:]).mean(0), atol=1e-6)


def test_weight_decay_means_nothing_to_rprop() -> None:
    ends = []
    for decay in (0.0, 0.5):
        net = Bowl()
        opt = optimizer(net, OptimRecipe(name="rprop", learning_rate=0.01, weight_decay=decay))
        for _ in range(10):
            opt.zero_grad()
            net().backward()
            opt.step()
        ends.append(net.w.detach().clone())
    assert torch.equal(*ends)


def test_every_optimizer_is_tested() -> None:
    assert set(OPTIMIZERS) == set(FORMULAS) | CURVED


def regression():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))
    return net, torch.randn(32, 4), torch.randn(32, 1)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_lowers_a_loss_and_goes_on_from_its_state(name: str) -> None:
    """Curriculum E2, E3: ten steps, a state saved and loaded after five, equal ten steps in one go."""
    rate = {"adadelta": 1.0, "vsgd": 1.0, "lbfgs": 1.0, "newton": 0.1, "saddle_free": 0.5}.get(name, 0.02)
    recipe = OptimRecipe(name=name, learning_rate=rate, damping=0.1, refresh=3, weight_decay=0.01)

    def steps(net, built, x, y, count):
        for _ in range(count):
            loss = (net(x) - y).square().mean()
            built.zero_grad()
            loss.backward()
            built.step(lambda: (net(x) - y).square().mean()) if needs_closure(built) else built.step()

    net, x, y = regression()
    before = (net(x) - y).square().mean().item()
    steps(net, optimizer(net, recipe), x, y, 10)
    assert (net(x) - y).square().mean().item() < before
    other, x, y = regression()
    first = optimizer(other, recipe)
    steps(other, first, x, y, 5)
    second = optimizer(other, recipe)
    second.load_state_dict(first.state_dict())
    del first
    steps(other, second, x, y, 5)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def ends(**choices) -> torch.Tensor:
    net, x, y = regression()
    built = optimizer(net, OptimRecipe(**{"learning_rate": 0.01, "weight_decay": 0.0} | choices))
    for _ in range(20):
        built.zero_grad()
        (net(x) - y).square().mean().backward()
        built.step()
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize(("name", "equal"), [("sgd", True), ("adam", False)])
def test_coupled_and_decoupled_decay_are_the_same_for_plain_descent_only(name: str, equal: bool) -> None:
    """Curriculum E4."""
    coupled = ends(name=name, momentum=0.0, weight_decay=0.5)
    assert torch.allclose(coupled, ends(name=name, momentum=0.0, l2=0.5), atol=1e-6)
    assert torch.allclose(coupled, ends(name=name, momentum=0.0, weight_decay=0.5, decoupled=True), atol=1e-5) is equal


def test_decoupled_adam_is_adamw_and_l2_reaches_adamw_through_the_gradient() -> None:
    assert torch.allclose(ends(name="adam", weight_decay=0.5, decoupled=True), ends(name="adamw", weight_decay=0.5))
    assert torch.allclose(ends(name="adam", l2=0.5), ends(name="adamw", l2=0.5), atol=1e-6)


def test_l1_makes_zeros_and_spares_biases_unless_asked() -> None:
    """Curriculum G1."""
    weights, biases = slice(0, 20), slice(20, 25)
    penalised, all_of_it = ends(name="sgd", l1=5.0), ends(name="sgd", l1=5.0, penalise_biases=True)
    assert (penalised[weights] == 0).all() and not (penalised[biases] == 0).any()
    assert (all_of_it[biases] == 0).any()


@pytest.mark.parametrize("name", ["newton", "saddle_free", "vsgd"])
def test_l2_reaches_those_that_look_again_whether_decay_is_decoupled_or_not(name: str) -> None:
    """E4: they never read the gradients that a penalty could be added to."""

    def end(**choices) -> torch.Tensor:
        net, x, y = regression()
        built = optimizer(net, OptimRecipe(name=name, learning_rate=0.1, weight_decay=0.0, **choices))
        for _ in range(3):
            built.step(lambda: (net(x) - y).square().mean())
        return net[0].weight.detach()

    assert torch.equal(end(l2=5.0), end(l2=5.0, decoupled=True))
    assert not torch.equal(end(), end(l2=5.0, decoupled=True))


@pytest.mark.parametrize("name", ["sgd", "kfac"])
def test_biases_decay_where_asked(name: str) -> None:
    def end(asked: bool) -> torch.Tensor:
        net, x, y = regression()
        torch.nn.init.constant_(net[0].bias, 3.0)
        built = optimizer(net, OptimRecipe(name=name, learning_rate=0.1, weight_decay=5.0, penalise_biases=asked))
        (net(x) - y).square().mean().backward()
        built.step()
        return net[0].bias.detach()

    assert (end(True) < end(False)).all()
