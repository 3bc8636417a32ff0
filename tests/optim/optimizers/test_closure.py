"""Optimizers that need the loss refuse to step without it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.optim import LBFGS, VSGD, Newton
from trainwell.optim.optimizers.closure import trainable


@pytest.mark.parametrize("make", [Newton, LBFGS, VSGD])
def test_without_the_loss_there_is_no_curvature(make) -> None:
    with pytest.raises(UsageError, match="closure"):
        make([torch.ones(1, requires_grad=True)]).step()


def test_frozen_parameters_are_left_out() -> None:
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    assert [p is layer.weight for p, _ in trainable(torch.optim.SGD(layer.parameters(), lr=0.1))] == [True]
