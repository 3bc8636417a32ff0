"""The small fast network (docs/curriculum.md, H2)."""

from __future__ import annotations

import math

import torch
from torch import nn

from trainwell.nn.zoo.resnet9 import resnet9


def test_nine_layers_and_any_size() -> None:
    net = resnet9(input_shape=(1, 28, 28), outputs=10, width=8)
    assert len([m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]) == 9
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_its_first_loss_is_that_of_guessing() -> None:
    torch.manual_seed(0)
    answers = resnet9(input_shape=(3, 32, 32), outputs=10)(torch.randn(64, 3, 32, 32))
    loss = nn.functional.cross_entropy(answers, torch.arange(64) % 10)
    assert abs(loss.item() - math.log(10)) < 0.2
