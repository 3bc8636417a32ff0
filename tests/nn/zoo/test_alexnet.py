"""AlexNet layer by layer (docs/curriculum.md, K1, H2)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.zoo.alexnet import alexnet


@pytest.mark.parametrize(
    ("groups", "parameters"),
    [(1, 62_378_344), (2, 60_965_224)],  # as it is taught: 62 M; as in the paper, on two cards: "60 million"
)
def test_published_parameters(groups: int, parameters: int) -> None:
    with torch.device("meta"):
        net = alexnet(input_shape=(3, 227, 227), outputs=1000, groups=groups)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert sum(p.numel() for p in net.conv1.parameters()) == 34_944
    assert net(torch.zeros(1, 3, 227, 227, device="meta")).shape == (1, 1000)
