"""Decorrelated batch norm whitens (docs/curriculum.md, D1)."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.nn.layers import DecorrelatedBatchNorm


def correlated(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    mix = torch.randn(4, 4)
    return torch.einsum("bi...,ij->bj...", torch.randn(*shape), mix) + 3


@pytest.mark.parametrize("shape", [(200, 4), (20, 4, 5, 5)])
def test_the_covariance_of_its_output_is_the_identity(shape: tuple[int, ...]) -> None:
    out = DecorrelatedBatchNorm(4)(correlated(*shape))
    rows = out.movedim(1, -1).reshape(-1, 4)
    assert rows.mean(0).abs().max() < 1e-4
    assert (rows.T.cov(correction=0) - torch.eye(4)).abs().max() < 1e-3


def test_running_values_take_over_at_prediction() -> None:
    norm, inputs = DecorrelatedBatchNorm(4), correlated(500, 4)
    for _ in range(100):
        trained = norm(inputs)
    assert torch.allclose(norm.eval()(inputs), trained, atol=1e-2)
    assert torch.allclose(norm(inputs)[:1], norm(inputs[:1]), atol=1e-5)


def test_gradients_are_finite() -> None:
    inputs = correlated(50, 4).requires_grad_()
    DecorrelatedBatchNorm(4)(inputs).square().mul(torch.arange(4.0)).sum().backward()
    assert inputs.grad is not None and inputs.grad.isfinite().all()


def test_fewer_samples_than_features_are_refused() -> None:
    with pytest.raises(UsageError, match="more samples than its 4 features, got 3"):
        DecorrelatedBatchNorm(4)(torch.randn(3, 4))


def test_a_small_rest_of_an_epoch_uses_what_was_learned() -> None:
    layer = DecorrelatedBatchNorm(4)
    layer(torch.randn(50, 4))
    matrix, rest = layer.running_matrix.clone(), torch.randn(3, 4)
    assert torch.equal(layer(rest), layer.eval()(rest))
    assert torch.equal(layer.running_matrix, matrix)
