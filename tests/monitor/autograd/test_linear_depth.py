from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.monitor.autograd.linear_depth import linear_depth

X, Y = torch.randn(12, 4), torch.arange(12) % 3


@pytest.mark.parametrize(
    ("model", "depth"),
    [
        (nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)), 2),
        (nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 8), nn.Linear(8, 3)), 3),
        (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), 0),
        (nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3)), 0),
    ],
    ids=["two", "three", "with a non-linearity", "low rank on purpose"],
)
def test_linear_layers_that_follow_one_another_are_counted(model: nn.Module, depth: int) -> None:
    assert linear_depth(F.cross_entropy(model(X), Y).grad_fn) == depth
