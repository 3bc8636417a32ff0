"""A convex bowl on which optimizers are compared with their formulas, and a small regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.optim import optimizer
from trainwell.recipe.sections import OptimRecipe

A = torch.diag(torch.tensor([20.0, 5.0], dtype=torch.float64))  # z = 10 x^2 + 2.5 y^2


class Bowl(nn.Module):
    """Half of w A w, with w at (1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[1.0, 1.0]], dtype=torch.float64))

    def forward(self) -> Tensor:
        return 0.5 * (self.w @ A @ self.w.T).sum()


def descend(recipe: OptimRecipe, steps: int) -> tuple[list[Tensor], Bowl, Optimizer]:
    net = Bowl()
    built = optimizer(net, recipe, learning_rate=recipe.learning_rate)
    seen = []
    for _ in range(steps):
        built.zero_grad()
        net().backward()
        built.step()
        seen.append(net.w.detach().clone())
    return seen, net, built


@pytest.fixture
def on_the_bowl() -> Callable[..., tuple[list[Tensor], Bowl, Optimizer]]:
    """Return what takes steps on the bowl; it returns the weights after each, the bowl and the optimizer."""

    def run(steps: int, **choices: Any) -> tuple[list[Tensor], Bowl, Optimizer]:
        return descend(OptimRecipe(**{"weight_decay": 0.0} | choices), steps)

    return run


@pytest.fixture
def equals_the_formula() -> Callable[..., bool]:
    """Return what tells whether 100 steps on the bowl equal a formula: (w, g, state, recipe) -> w."""

    def equal(formula: Callable[..., Tensor], **choices: Any) -> bool:
        recipe = OptimRecipe(**{"learning_rate": 0.01, "weight_decay": 0.0} | choices)
        state: dict[str, Any] = {}
        w = Bowl().w.detach().clone()
        for _ in range(100):
            w = formula(w, w @ A, state, recipe)
        return torch.allclose(descend(recipe, 100)[0][-1], w, atol=1e-6)

    return equal


@pytest.fixture
def regression() -> Callable[[], tuple[nn.Module, Tensor, Tensor]]:
    """Return what makes the same network, inputs and targets at every call."""

    def make() -> tuple[nn.Module, Tensor, Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))
        return net, torch.randn(32, 4), torch.randn(32, 1)

    return make
