"""vSGD equals its formula, for one network and for many at once."""

from __future__ import annotations

import pytest
import torch

from trainwell.optim import VSGD, start_variance, vsgd


def test_the_step_of_vsgd_equals_its_formula_over_a_hundred_steps() -> None:
    """Written out number by number, as algorithm 1 of the paper."""
    generator = torch.Generator().manual_seed(0)
    weight, curvature = torch.tensor([2.0, -1.0], dtype=torch.float64), torch.tensor([4.0, 0.5], dtype=torch.float64)
    noise = 0.3 * torch.randn(100, 2, generator=generator, dtype=torch.float64)
    memory = start_variance(weight * curvature, curvature)
    rows = [[float(part[i]) for part in (weight, *memory)] for i in range(2)]
    for step in range(100):
        weight, memory = vsgd(weight, weight * curvature + noise[step], curvature=curvature, memory=memory)
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

    def step(w, c, m):
        return vsgd(w, w, curvature=c, memory=m)[0]

    together = torch.func.vmap(step)(weights, curvature, memory)
    alone = [step(w, c, type(memory)(*m)) for w, c, *m in zip(weights, curvature, *memory, strict=True)]
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
