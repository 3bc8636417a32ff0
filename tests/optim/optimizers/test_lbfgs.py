"""L-BFGS ends at the minimum of a quadratic, weight decay included."""

from __future__ import annotations

import pytest
import torch

from trainwell.optim import LBFGS


def quadratic(seed: int, size: int = 6):
    torch.manual_seed(seed)
    root = torch.randn(size, size, dtype=torch.float64)
    matrix, goal = root @ root.T + 0.1 * torch.eye(size), torch.randn(size, dtype=torch.float64)
    w = torch.randn(size, dtype=torch.float64, requires_grad=True)
    return w, goal, lambda: 0.5 * (w - goal) @ matrix @ (w - goal)


@pytest.mark.parametrize("seed", range(3))
def test_lbfgs_ends_where_the_quadratic_does(seed: int) -> None:
    w, goal, loss = quadratic(seed)
    optimizer = LBFGS([w])
    for _ in range(40):
        optimizer.step(loss)
    assert torch.allclose(w, goal, atol=1e-3)


def test_weight_decay_is_a_penalty() -> None:
    w, goal, loss = quadratic(3)
    optimizer = LBFGS([{"params": [w], "weight_decay": 0.7}])
    for _ in range(30):
        optimizer.step(loss)
    slope = torch.autograd.grad(loss(), w)[0]
    assert torch.allclose(slope, -0.7 * w.detach(), atol=1e-3)
