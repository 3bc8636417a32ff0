"""L1, L2 and their sum (docs/curriculum.md, G1, E4)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim.penalties import elastic_net, soft_threshold_


def test_its_slope_is_the_pull_it_is_named_for() -> None:
    net = nn.Linear(3, 2, dtype=torch.float64)
    elastic_net(net.parameters(), l1=0.1, l2=0.3).backward()
    assert torch.allclose(net.weight.grad, 0.1 * net.weight.sign() + 0.3 * net.weight)
    assert net.bias.grad is None


def test_soft_threshold_minimises_the_penalised_quadratic() -> None:
    """The law of a proximal step: argmin over v of (v - w)^2 / 2 + a |v|."""
    weight = torch.linspace(-1, 1, 21, dtype=torch.float64).view(1, -1)
    grid = torch.linspace(-1, 1, 2001, dtype=torch.float64).view(-1, 1)
    best = grid[((grid - weight) ** 2 / 2 + 0.3 * grid.abs()).argmin(0)].T
    soft_threshold_([weight], 0.3)
    assert torch.allclose(weight, best, atol=1e-3)


def test_negative_strength_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 0"):
        elastic_net([], l1=-1.0, l2=0.0)
