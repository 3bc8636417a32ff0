"""Separable convolutions compute products of small filters (docs/curriculum.md, H1)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.nn.layers import depthwise_separable, spatially_separable


def plain(block: nn.Sequential) -> None:
    for part in block:
        part.norm = nn.Identity()
        part.activation = nn.Identity()


def test_depthwise_separable_is_one_convolution_of_low_rank() -> None:
    block = depthwise_separable(3, 5, stride=2)
    plain(block)
    spatial, mixing = block.depthwise.conv.weight, block.pointwise.conv.weight
    whole = torch.einsum("chw,kc->kchw", spatial[:, 0], mixing[:, :, 0, 0])
    x = torch.randn(2, 3, 9, 9)
    assert torch.allclose(block(x), F.conv2d(x, whole, stride=2, padding=1), atol=1e-5)


def test_spatially_separable_is_a_column_and_a_row() -> None:
    block = spatially_separable(1, 1)
    plain(block)
    whole = block.column.conv.weight @ block.row.conv.weight
    x = torch.randn(2, 1, 9, 9)
    assert torch.allclose(block(x), F.conv2d(x, whole, padding=1), atol=1e-5)
