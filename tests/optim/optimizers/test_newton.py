"""Newton's method solves a quadratic in one step; its saddle-free form leaves saddles."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim import Newton


def quadratic(seed: int, size: int = 6):
    torch.manual_seed(seed)
    root = torch.randn(size, size, dtype=torch.float64)
    matrix, goal = root @ root.T + 0.1 * torch.eye(size), torch.randn(size, dtype=torch.float64)
    w = torch.randn(size, dtype=torch.float64, requires_grad=True)
    return w, goal, lambda: 0.5 * (w - goal) @ matrix @ (w - goal)


@settings(deadline=None)  # the first look at a Hessian loads code
@given(st.integers(0, 1000))
def test_newton_solves_a_quadratic_in_one_step(seed: int) -> None:
    w, goal, loss = quadratic(seed)
    Newton([w], damping=1e-12).step(loss)
    assert torch.allclose(w, goal, atol=1e-5)


def test_newton_climbs_to_a_saddle_that_the_absolute_curvature_leaves() -> None:
    ends = {}
    for saddle_free in (False, True):
        w = torch.tensor([0.3, 0.2], dtype=torch.float64, requires_grad=True)
        optimizer = Newton([w], saddle_free=saddle_free)
        for _ in range(8):
            optimizer.step(lambda w=w: w[0] ** 2 - w[1] ** 2 + 0.25 * w[1] ** 4)
        ends[saddle_free] = abs(w[1].item())
    assert ends[False] < 1e-3
    assert ends[True] == pytest.approx(2**0.5, abs=1e-2)


def test_newton_refuses_what_it_cannot_write_down() -> None:
    with pytest.raises(UsageError, match=r"at most 2,000 weights, got 10,100"):
        Newton(nn.Linear(100, 100).parameters())


def test_weight_decay_is_a_penalty() -> None:
    w, goal, loss = quadratic(3)
    optimizer = Newton([{"params": [w], "weight_decay": 0.7}])
    for _ in range(30):
        optimizer.step(loss)
    slope = torch.autograd.grad(loss(), w)[0]
    assert torch.allclose(slope, -0.7 * w.detach(), atol=1e-3)
