"""Averaged weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.train import Average, averaged_weights


def test_the_average_follows_its_formula() -> None:
    net = nn.Linear(1, 1, bias=False)
    average = Average(net, 0.9)
    expected = net.weight.item()
    for step in range(50):
        with torch.no_grad():
            net.weight.fill_(float(step))
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.weights[0].item() == pytest.approx(expected, rel=1e-5)


def test_tied_weights_are_averaged_once_and_come_back() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

    net = Tied()
    average = Average(net, 0.9)
    with torch.no_grad():
        net.a.weight.fill_(5.0)
    average.swap()
    average.swap()
    assert torch.equal(net.a.weight, torch.full((2, 2), 5.0))


def test_swapping_twice_changes_nothing() -> None:
    net = nn.BatchNorm1d(3)
    average = Average(net, 0.9)
    with torch.no_grad():
        net.weight.fill_(5.0)
    average.swap()
    assert torch.equal(net.weight, torch.ones(3))
    average.swap()
    assert torch.equal(net.weight, torch.full((3,), 5.0))


def test_averaged_weights_are_there_meanwhile_whatever_happens() -> None:
    net = nn.BatchNorm1d(3)
    average = Average(net, 0.9)
    with torch.no_grad():
        net.weight.fill_(5.0)
    with pytest.raises(ValueError), averaged_weights(average):
        assert torch.equal(net.weight, torch.ones(3))
        raise ValueError
    assert torch.equal(net.weight, torch.full((3,), 5.0))
    with averaged_weights(None):
        assert torch.equal(net.weight, torch.full((3,), 5.0))
