"""Max-norm holds after every step (docs/curriculum.md, G1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim.constraints import max_norm_


def test_the_constraint_holds_after_every_step_and_leaves_biases_alone() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5))
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    for step in range(5):
        torch.manual_seed(step)
        net(torch.randn(8, 1, 8, 8)).square().sum().backward()
        optimizer.step()
        biases = [module.bias.clone() for module in (net[0], net[2])]
        max_norm_(net.parameters(), 0.5)
        for module, bias in zip((net[0], net[2]), biases, strict=True):
            assert module.weight.flatten(1).norm(dim=1).max() <= 0.5 + 1e-6
            assert torch.equal(module.bias, bias)


def test_shorter_vectors_keep_every_bit_and_zeros_stay() -> None:
    weight = torch.tensor([[0.1, 0.2], [0.0, 0.0]])
    before = weight.clone()
    max_norm_([weight], 1.0)
    assert torch.equal(weight, before)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_the_limit_must_be_positive(limit: float) -> None:
    with pytest.raises(UsageError, match="greater than 0"):
        max_norm_([], limit)
