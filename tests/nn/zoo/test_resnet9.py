"""The small fast network (curriculum H2)."""

from __future__ import annotations

import torch
from torch import nn

from trainwell.nn.zoo import resnet9


def test_nine_layers_and_any_size() -> None:
    net = resnet9(input_shape=(1, 28, 28), outputs=10, width=8)
    assert len([m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]) == 9
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
