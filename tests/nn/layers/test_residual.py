"""Residual blocks with the three shortcuts (docs/curriculum.md, H1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.nn.layers import residual_block


def silence(block: nn.Module) -> None:
    for module in block.body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)


@pytest.mark.parametrize("middle", [0, 2])
def test_with_zero_weights_the_identity_is_left(middle: int) -> None:
    block = residual_block(4, 4, middle=middle).eval()
    silence(block)
    x = torch.rand(2, 4, 6, 6)
    assert torch.equal(block(x), x)


def test_zero_padding_keeps_channels_and_adds_zeros() -> None:
    block = residual_block(4, 8, stride=2, zero_pad=True).eval()
    silence(block)
    x = torch.rand(2, 4, 6, 6)
    out = block(x)
    assert torch.equal(out[:, :4], x[:, :, ::2, ::2])
    assert not out[:, 4:].any()


def test_projection_is_a_1x1_convolution() -> None:
    block = residual_block(4, 8, stride=2).eval()
    silence(block)
    x = torch.rand(2, 4, 6, 6)
    expected = torch.einsum("bchw,kc->bkhw", x[:, :, ::2, ::2], block.shortcut.conv.weight[:, :, 0, 0]).relu()
    assert torch.allclose(block(x), expected, atol=1e-4)


def test_a_bottleneck_has_three_convolutions() -> None:
    block = residual_block(64, 256, middle=64)
    kernels = [m.kernel_size[0] for m in block.body if isinstance(m, nn.Conv2d)]
    assert kernels == [1, 3, 1]
