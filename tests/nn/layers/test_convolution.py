"""The law of the convolution block: K (f f c + 1) numbers, floor((h + 2p - f) / s) + 1 rows (docs/curriculum.md, H1)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.layers import convolution_block


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(11, 4, 0), (5, 1, 2), (3, 2, 1), (1, 1, 0)])
def test_volume_and_parameters(kernel: int, stride: int, padding: int) -> None:
    block = convolution_block(3, 8, kernel=kernel, stride=stride, padding=padding, norm=False)
    side = (23 + 2 * padding - kernel) // stride + 1
    assert block(torch.zeros(2, 3, 23, 23)).shape == (2, 8, side, side)
    assert sum(p.numel() for p in block.parameters()) == 8 * (kernel * kernel * 3 + 1)


def test_with_normalisation_the_bias_is_left_out() -> None:
    block = convolution_block(4, 8, kernel=(1, 3), padding=(0, 1), groups=4)
    assert block.conv.bias is None
    assert sum(p.numel() for p in block.parameters()) == 8 * 3 + 2 * 8
    assert block(torch.zeros(2, 4, 5, 6)).shape == (2, 8, 5, 6)
