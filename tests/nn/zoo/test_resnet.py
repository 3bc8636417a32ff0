"""Residual networks are the paper's (docs/curriculum.md, H2)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.nn.zoo.resnet import resnet, resnet20


def test_the_small_one_has_270_thousand_parameters_and_20_layers() -> None:
    net = resnet20(input_shape=(3, 32, 32), outputs=10)
    assert sum(p.numel() for p in net.parameters()) == 269_722
    assert len([m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]) == 20


# Parameters: the reference implementation (torchvision; strides differ, numbers do not). Multiply-adds: the paper's
# table 1 gives 1.8, 3.6, 3.8, 7.6 and 11.3 G.
@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_layers_on_the_longest_way_are_the_name(depth: int) -> None:
    with torch.device("meta"):
        net = resnet(depth=depth, input_shape=(3, 224, 224), outputs=1000)
    layers = [name for name, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len([name for name in layers if "shortcut" not in name]) == depth


def test_any_size_works_and_too_small_is_refused() -> None:
    assert resnet20(input_shape=(1, 8, 9), outputs=2)(torch.zeros(2, 1, 8, 9)).shape == (2, 2)
    with pytest.raises(UsageError, match="at least 8x8"):
        resnet20(input_shape=(64,), outputs=2)
    small = resnet(depth=50, input_shape=(1, 32, 40), outputs=2, width=0.1)
    assert small(torch.zeros(2, 1, 32, 40)).shape == (2, 2)
    with pytest.raises(UsageError, match="resnet50 needs images of at least 32x32, got inputs of shape 3x31x40"):
        resnet(depth=50, input_shape=(3, 31, 40), outputs=2)
