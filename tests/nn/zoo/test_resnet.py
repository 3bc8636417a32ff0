"""The small residual network is the paper's (curriculum H2)."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.nn.zoo import resnet20
from trainwell.nn.zoo.resnet import ResidualBlock


def test_the_paper_counts_270_thousand_parameters_and_20_layers() -> None:
    net = resnet20(input_shape=(3, 32, 32), outputs=10)
    assert sum(p.numel() for p in net.parameters()) == 269_722
    layers = [m for m in net.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert len(layers) == 20


def test_a_block_whose_weights_are_zero_is_its_shortcut() -> None:
    block = ResidualBlock(4, 8, stride=2).eval()
    for conv in (block.conv1, block.conv2):
        torch.nn.init.zeros_(conv.weight)
    x = torch.rand(2, 4, 6, 6)
    out = block(x)
    assert torch.equal(out[:, :4], x[:, :, ::2, ::2])
    assert not out[:, 4:].any()


def test_any_size_from_8_works_and_smaller_is_refused() -> None:
    assert resnet20(input_shape=(1, 8, 9), outputs=2)(torch.zeros(2, 1, 8, 9)).shape == (2, 2)
    with pytest.raises(UsageError, match="at least 8x8"):
        resnet20(input_shape=(64,), outputs=2)
