"""Normalisations by name (docs/curriculum.md, D1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.nn.layers import NORMALISATIONS

# What has mean 0 and variance 1 afterwards, as axes of (batch, channels, height, width).
AXES = {"batch": (0, 2, 3), "decorrelated": (0, 2, 3), "layer": (1, 2, 3), "instance": (2, 3)}


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(16, 8, 6, 6, generator=torch.Generator().manual_seed(0)) * 3 + 5


@pytest.mark.parametrize("name", list(NORMALISATIONS))
def test_shape_is_kept(name: str, images) -> None:
    assert NORMALISATIONS[name](8)(images).shape == images.shape


@pytest.mark.parametrize("name", list(AXES))
def test_mean_zero_and_variance_one_over_its_axes(name: str, images) -> None:
    out = NORMALISATIONS[name](8)(images)
    assert out.mean(AXES[name]).abs().max() < 1e-4
    assert (out.var(AXES[name], correction=0) - 1).abs().max() < 1e-3


def test_group_norm_normalises_each_group(images) -> None:
    norm = NORMALISATIONS["group"](8)
    assert isinstance(norm, nn.GroupNorm) and norm.num_groups == 4
    assert norm(images).view(16, 4, -1).mean(2).abs().max() < 1e-4


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (3, 1), (2, 1), (6, 2), (64, 32), (256, 32)])
def test_groups_divide_the_channels(channels: int, groups: int) -> None:
    assert NORMALISATIONS["group"](channels).num_groups == groups


@pytest.mark.parametrize("name", ["layer", "instance", "group", "local_response"])
def test_examples_do_not_depend_on_their_batch(name: str, images) -> None:
    norm = NORMALISATIONS[name](8)
    assert torch.allclose(norm(images)[:1], norm(images[:1]), atol=1e-5)


def test_local_response_equals_its_formula(images) -> None:
    out = NORMALISATIONS["local_response"](8)(images)
    near = torch.stack([images[:, max(0, i - 2) : i + 3].square().sum(1) for i in range(8)], 1)
    assert torch.allclose(out, images / (2 + 1e-4 / 5 * near) ** 0.75, rtol=1e-4)


def test_weight_norm_of_torch_splits_length_and_direction() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    length, direction = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    assert torch.allclose(layer.weight, length * direction / direction.norm(dim=1, keepdim=True))
