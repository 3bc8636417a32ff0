"""VGG-16 and VGG-19 (docs/curriculum.md, K1, H2): the paper's table 2 gives 138 and 144 million."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.zoo.vgg import vgg


@pytest.mark.parametrize(("depth", "parameters"), [(16, 138_357_544), (19, 143_667_240)])
def test_published_parameters(depth: int, parameters: int) -> None:
    with torch.device("meta"):
        net = vgg(depth=depth, input_shape=(3, 224, 224), outputs=1000)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert sum(name.startswith(("conv", "fc", "head")) for name, _ in net.named_children()) == depth
