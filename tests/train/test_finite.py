"""What is not finite stops a run, with what to do about it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from trainwell.core.errors import DivergedError
from trainwell.train.finite import all_finite, require_finite


def test_divergence_stops_before_the_weights_are_touched(make) -> None:
    with pytest.raises(DivergedError, match="learning rate was"):
        session = make(learning_rate=1e30, clip_norm=0.0, ema=0.0, optim="sgd")
        session.run()
    assert all(torch.isfinite(p).all() for p in session.job.model.parameters()) or session.state.step >= 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_single_number_is_found(bad) -> None:
    tensors = [torch.zeros(3), torch.arange(4), torch.ones(2, 2)]
    assert all_finite(tensors) and all_finite([]) and all_finite([torch.arange(2)])
    tensors[2][1, 0] = bad
    assert not all_finite(tensors)


def test_the_weights_and_the_loss_must_be_finite() -> None:
    net = nn.BatchNorm1d(3)
    require_finite(net, loss=1.0, learning_rate=0.1)
    with pytest.raises(DivergedError, match=r"The training loss is not finite \(nan\)"):
        require_finite(net, loss=math.nan, learning_rate=0.1)
    net.running_mean[0] = math.inf
    with pytest.raises(DivergedError, match="The weights are not finite"):
        require_finite(net, loss=1.0, learning_rate=0.1)
