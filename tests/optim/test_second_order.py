"""Newton and saddle-free steps (docs/curriculum.md, E3, E6)."""

from __future__ import annotations

import torch

from trainwell.optim.second_order import newton_step, saddle_free_step, slope_and_curvature


def test_newton_solves_any_quadratic_in_one_step() -> None:
    torch.manual_seed(0)
    root = torch.randn(5, 5, dtype=torch.float64)
    matrix, goal = root @ root.T + torch.eye(5), torch.randn(5, dtype=torch.float64)
    end = newton_step(lambda w: 0.5 * (w - goal) @ matrix @ (w - goal), torch.zeros(5, dtype=torch.float64))
    assert torch.allclose(end, goal)


def test_both_agree_where_everything_curves_up() -> None:
    at = torch.tensor([1.0, 2.0], dtype=torch.float64)

    def bowl(w):
        return (w**4).sum() + w[0] * w[1] * 0.1

    assert torch.allclose(newton_step(bowl, at), saddle_free_step(bowl, at))


def test_the_saddle_free_step_descends_where_newton_climbs() -> None:
    def saddle(w):
        return w[0] ** 2 - w[1] ** 2 + 0.1 * w[1] ** 4

    at = torch.tensor([0.3, 0.2], dtype=torch.float64)
    assert saddle(newton_step(saddle, at)) > saddle(at) - saddle(torch.tensor([0.3, 0.0]))
    assert saddle(saddle_free_step(saddle, at)) < saddle(at)


def test_flat_ground_gives_a_bounded_step() -> None:
    at = torch.tensor([1.0, 1.0], dtype=torch.float64)
    end = saddle_free_step(lambda w: w[0] * 1e-3 + w[1] ** 2, at, damping=0.01)
    assert torch.allclose(end, torch.tensor([0.9, 0.0], dtype=torch.float64))


def test_the_hessian_is_symmetric() -> None:
    _, hessian = slope_and_curvature(lambda w: w[0] ** 3 * w[1] + w[2].exp(), torch.tensor([1.0, 2.0, 3.0]))
    assert torch.equal(hessian, hessian.T)
