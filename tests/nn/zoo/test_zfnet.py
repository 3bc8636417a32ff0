"""ZFNet layer by layer (docs/curriculum.md, K1, H2)."""

from __future__ import annotations

import torch

from trainwell.nn.zoo.zfnet import zfnet


def test_parameters_and_the_volume_in_front_of_fc6() -> None:
    with torch.device("meta"):
        net = zfnet(input_shape=(3, 224, 224), outputs=1000)
    assert sum(p.numel() for p in net.parameters()) == 107_627_624
    assert net.fc6.in_features == 6 * 6 * 512
    assert net(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 1000)
