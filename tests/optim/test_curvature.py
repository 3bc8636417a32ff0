"""Derivatives against closed forms, conditions for a minimum, the gradient check (docs/curriculum.md, E6)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.optim import classify_point, gradient_error, hessian, jacobian, numerical_gradient, top_curvature

AT = torch.tensor([2.0, -3.0, 5.0], dtype=torch.float64)


def worked(w):
    x, y, z = w
    return x**2 + x * (1 - y) + y**2 - y * z + z**2 + z


def test_the_worked_example_of_three_variables() -> None:
    """Its determinant is 4, not 11 as the notes print."""
    assert hessian(worked, AT).tolist() == [[2, -1, 0], [-1, 2, -1], [0, -1, 2]]
    assert classify_point(worked, AT).kind == "slope"
    point = classify_point(worked, -torch.ones(3, dtype=torch.float64))
    assert point.kind == "minimum"
    assert point.minors.tolist() == pytest.approx([2, 3, 4])


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda w: w[0] ** 2 + w[1] ** 2, "minimum"),
        (lambda w: -(w[0] ** 2) - 2 * w[1] ** 2, "maximum"),
        (lambda w: w[0] * w[1], "saddle"),
        (lambda w: w[0] ** 2 + w[1] ** 4, "flat"),
        (lambda w: w[0] + w[1] ** 2, "slope"),
    ],
)
def test_the_kinds_of_points(function, kind) -> None:
    assert classify_point(function, torch.zeros(2, dtype=torch.float64)).kind == kind


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    matrix = torch.randn(4, 3, dtype=torch.float64)
    assert torch.allclose(jacobian(lambda w: matrix @ w, AT), matrix)


def test_top_curvature_is_the_largest_eigenvalue_in_size() -> None:
    torch.manual_seed(0)
    net, x, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double(), torch.randn(20, 3).double(), 0.5
    shapes = [p.shape for p in net.parameters()]

    def flat_loss(w):
        parts = [part.view(shape) for part, shape in zip(w.split([s.numel() for s in shapes]), shapes, strict=True)]
        weights = dict(zip(dict(net.named_parameters()), parts, strict=True))
        return (torch.func.functional_call(net, weights, (x,)) - y).square().mean()

    at = torch.cat([p.detach().flatten() for p in net.parameters()])
    values = torch.linalg.eigvalsh(hessian(flat_loss, at))
    expected = float(values[values.abs().argmax()])
    found = top_curvature(lambda: (net(x) - y).square().mean(), net.parameters(), steps=200)
    assert found == pytest.approx(expected, rel=1e-3)
    assert top_curvature(lambda: net[2].bias.sum(), net.parameters()) == 0.0


def test_the_gradient_check_tells_right_from_wrong() -> None:
    def function(w):
        return (w**3).sum() + w[0] * w[1]

    right = torch.func.grad(function)(AT)
    wrong = right.clone()
    wrong[1] *= 1.1
    assert gradient_error(function, AT) < 1e-7
    assert gradient_error(function, AT, gradient=wrong) > 1e-3
    assert torch.allclose(numerical_gradient(function, AT), right, atol=1e-6)
