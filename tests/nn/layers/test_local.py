"""Locally connected layers are convolutions whose filters are not shared (docs/curriculum.md, H1, A13)."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from trainwell.nn import initialise
from trainwell.nn.layers import LocallyConnected2d
from trainwell.optim import max_norm_, parameter_groups


def test_with_equal_filters_it_is_a_convolution() -> None:
    layer = LocallyConnected2d(3, 5, kernel=4, size=(11, 9), stride=2)
    bank = torch.randn(5, 3, 4, 4)
    with torch.no_grad():
        for place in layer.banks():
            place.copy_(bank)
        layer.bias.copy_(torch.arange(5.0).repeat_interleave(12))
    x = torch.randn(2, 3, 11, 9)
    assert torch.allclose(layer(x), F.conv2d(x, bank, torch.arange(5.0), stride=2), atol=1e-4)


def test_places_are_independent() -> None:
    layer = LocallyConnected2d(1, 1, kernel=3, size=(6, 6))
    x = torch.randn(1, 1, 6, 6)
    before = layer(x)
    with torch.no_grad():
        layer.weight[5] += 1
    changed = (layer(x) != before).flatten().nonzero().flatten().tolist()
    assert changed == [5]


def test_every_place_is_initialised_by_its_own_fan_in() -> None:
    layer = LocallyConnected2d(8, 16, kernel=3, size=(10, 10))
    initialise(layer, "he_normal", seed=0)
    first = layer.weight.clone()
    assert abs(first.std().item() - (2 / 72) ** 0.5) < 0.005
    initialise(layer, "he_normal", seed=0)
    assert torch.equal(layer.weight, first)
    assert not layer.bias.any()


def test_its_units_are_rows_and_its_biases_are_told_from_weights() -> None:
    """G1: max-norm is that of a unit's own filter, and neither it nor decay concerns biases."""
    layer = LocallyConnected2d(2, 3, kernel=2, size=(4, 4))
    torch.nn.init.constant_(layer.weight, 1.0)
    torch.nn.init.constant_(layer.bias, 5.0)
    max_norm_(layer.parameters(), 1.0)
    assert torch.allclose(torch.stack([bank.flatten(1).norm(dim=1) for bank in layer.banks()]), torch.ones(9, 3))
    assert (layer.bias == 5).all()
    assert [group["weight_decay"] for group in parameter_groups(layer, 0.1)] == [0.1, 0.0]
