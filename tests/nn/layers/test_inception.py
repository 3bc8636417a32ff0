"""The inception modules have their papers' channels and parameters (docs/curriculum.md, H1, H2)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.nn.layers import inception, inception_expanded, inception_factorised, inception_square


@pytest.mark.parametrize(
    ("module", "channels_in", "channels", "parameters"),
    [
        (inception(192, (64, 96, 128, 16, 32, 32)), 192, 256, 163_696),  # table 1 of 2015: 159 K
        (inception(256, (128, 128, 192, 32, 96, 64)), 256, 480, 388_736),  # 380 K
        (inception_square(192, 32), 192, 256, 255_904),
        (inception_factorised(768, 128), 768, 768, 1_297_408),
        (inception_expanded(1280), 1280, 2048, 5_044_608),
    ],
    ids=["3a", "3b", "square", "factorised", "expanded"],
)
def test_channels_and_parameters(module: nn.Module, channels_in: int, channels: int, parameters: int) -> None:
    assert sum(p.numel() for p in module.parameters()) == parameters
    assert module.to("meta")(torch.zeros(2, channels_in, 9, 7, device="meta")).shape == (2, channels, 9, 7)


def test_branches_are_stacked_in_order() -> None:
    module = inception(3, (2, 1, 4, 1, 3, 5)).eval()
    x = torch.rand(1, 3, 8, 8)
    parts = module(x).split([2, 4, 3, 5], dim=1)
    for part, branch in zip(parts, (module.one, module.three, module.five, module.pool), strict=True):
        assert torch.equal(part, branch(x))
