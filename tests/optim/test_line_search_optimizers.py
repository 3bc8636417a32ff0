"""Optimizers that look at the loss again keep their laws (curriculum E2, E3)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim import LBFGS, VSGD, Newton, start_variance, vsgd


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


@pytest.mark.parametrize("make", [Newton, LBFGS], ids=["newton", "lbfgs"])
def test_weight_decay_is_a_penalty(make) -> None:
    w, goal, loss = quadratic(3)
    optimizer = make([{"params": [w], "weight_decay": 0.7}])
    for _ in range(30):
        optimizer.step(loss)
    slope = torch.autograd.grad(loss(), w)[0]
    assert torch.allclose(slope, -0.7 * w.detach(), atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_lbfgs_ends_where_the_quadratic_does(seed: int) -> None:
    w, goal, loss = quadratic(seed)
    optimizer = LBFGS([w])
    for _ in range(40):
        optimizer.step(loss)
    assert torch.allclose(w, goal, atol=1e-3)


def test_the_step_of_vsgd_equals_its_formula_over_a_hundred_steps() -> None:
    """Written out number by number, as algorithm 1 of the paper."""
    generator = torch.Generator().manual_seed(0)
    weight, curvature = torch.tensor([2.0, -1.0], dtype=torch.float64), torch.tensor([4.0, 0.5], dtype=torch.float64)
    noise = 0.3 * torch.randn(100, 2, generator=generator, dtype=torch.float64)
    memory = start_variance(weight * curvature, curvature)
    rows = [[float(part[i]) for part in (weight, *memory)] for i in range(2)]
    for step in range(100):
        weight, memory = vsgd(weight, weight * curvature + noise[step], curvature, memory)
        for i, (w, g_mean, g_square, h, tau) in enumerate(rows):
            g = w * float(curvature[i]) + float(noise[step, i])
            g_mean = (1 - 1 / tau) * g_mean + g / tau
            g_square = (1 - 1 / tau) * g_square + g * g / tau
            h = (1 - 1 / tau) * h + float(curvature[i]) / tau
            share = g_mean**2 / g_square
            rows[i] = [w - share / h * g, g_mean, g_square, h, (1 - share) * tau + 1]
    assert weight.tolist() == pytest.approx([row[0] for row in rows], abs=1e-6)


def test_vsgd_maps_over_networks() -> None:
    weights, curvature = torch.randn(5, 3), torch.rand(5, 3) + 0.1
    memory = start_variance(weights, curvature)
    together, _ = torch.func.vmap(vsgd)(weights, weights, curvature, memory)
    alone = [vsgd(w, w, c, type(memory)(*m))[0] for w, c, *m in zip(weights, curvature, *memory, strict=True)]
    assert torch.allclose(together, torch.stack(alone))


def test_vsgd_needs_no_rate_and_settles_in_noise() -> None:
    """The rate falls by itself as noise drowns the slope; plain descent at the first rate never settles."""
    torch.manual_seed(0)
    w = torch.full((50,), 5.0, requires_grad=True)
    optimizer, trace = VSGD([w]), []
    for _ in range(400):
        goal = torch.randn(50)
        optimizer.step(lambda goal=goal: 0.5 * (w - goal).square().sum())
        trace.append(w.detach().square().mean().item())
    assert trace[0] > 10
    assert sum(trace[-50:]) / 50 < 0.1


@pytest.mark.parametrize("make", [Newton, LBFGS, VSGD])
def test_without_the_loss_there_is_no_curvature(make) -> None:
    with pytest.raises(UsageError, match="closure"):
        make([torch.ones(1, requires_grad=True)]).step()


def test_newton_refuses_what_it_cannot_write_down() -> None:
    with pytest.raises(UsageError, match=r"at most 2,000 weights .* got 10,100"):
        Newton(nn.Linear(100, 100).parameters())
