"""Averaged SGD equals its formula over 100 steps, follows the learning rate and holds the mean of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.optim import optimizer
from trainwell.recipe.sections import OptimRecipe


def asgd(w, g, state, r):
    return w - r.learning_rate * g


def test_a_hundred_steps_equal_the_formula(equals_the_formula) -> None:
    assert equals_the_formula(asgd, name="asgd")


def test_averaged_sgd_takes_the_rate_of_the_step() -> None:
    layer = nn.Linear(1, 1, bias=False)
    built = optimizer(layer, OptimRecipe(name="asgd", weight_decay=0.0), learning_rate=1.0)
    for rate in (0.1, 0.5, 0.01):
        before = layer.weight.item()
        built.param_groups[0]["lr"] = rate
        layer.weight.grad = torch.ones(1, 1)
        built.step()
        assert before - layer.weight.item() == pytest.approx(rate, abs=1e-6)


def test_asgd_holds_the_mean_of_all_weights(on_the_bowl) -> None:
    """Of all but the first: torch counts from the second step on."""
    seen, net, built = on_the_bowl(50, name="asgd", learning_rate=0.01)
    assert torch.allclose(built.state[net.w]["ax"], torch.stack(seen[1:]).mean(0), atol=1e-6)
