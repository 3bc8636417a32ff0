from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.cost import multiply_adds, output_side


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [*itertools.product([1, 3, 5], [1, 2, 4], [0, 2], [1, 2])]
)
def test_law_of_the_output_volume(kernel: int, stride: int, padding: int, dilation: int) -> None:
    layer = nn.Conv2d(2, 3, kernel, stride=stride, padding=padding, dilation=dilation)
    side = output_side(17, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    assert layer(torch.zeros(1, 2, 17, 17)).shape == (1, 3, side, side)
    assert (
        multiply_adds(layer, Batch({"inputs": torch.zeros(1, 2, 17, 17)}))[""] == side * side * 3 * kernel * kernel * 2
    )
    assert sum(p.numel() for p in layer.parameters()) == 3 * (kernel * kernel * 2 + 1)


def test_total_of_lenet(lenet: nn.Sequential) -> None:
    assert multiply_adds(lenet, Batch({"inputs": torch.zeros(1, 1, 28, 28)}))[""] == 416_520


def test_groups_divide_the_work() -> None:
    inputs = torch.zeros(1, 8, 6, 6)
    whole = multiply_adds(nn.Conv2d(8, 8, 3), Batch({"inputs": inputs}))[""]
    assert multiply_adds(nn.Conv2d(8, 8, 3, groups=8), Batch({"inputs": inputs}))[""] == whole // 8
