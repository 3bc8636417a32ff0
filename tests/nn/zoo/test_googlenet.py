"""GoogLeNet's table 1 (docs/curriculum.md, K1, H2)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.zoo.googlenet import googlenet

# Table 1, column "params", in K = 1024. 4c and 5a of the paper (463 K and 1072 K) do not follow from its own columns.
ROWS = {"3a": 159, "3b": 380, "4a": 364, "4b": 437, "4d": 580, "4e": 840, "5b": 1388}


@pytest.fixture(scope="module")
def net():
    with torch.device("meta"):
        return googlenet(input_shape=(3, 224, 224), outputs=1000)


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_rows_of_the_table(net) -> None:
    for name, kilo in ROWS.items():
        assert count(getattr(net.body, name)) / 1024 == pytest.approx(kilo, rel=0.02), name
    stem = net.body.depthwise1.weight.numel() + net.body.conv1.conv.weight.numel()
    assert stem == 2712  # "2.7K"


@pytest.mark.parametrize(("separable", "parameters"), [(True, 6_991_856), (False, 6_998_552)])
def test_parameters_without_the_auxiliary_heads(separable: bool, parameters: int) -> None:
    with torch.device("meta"):
        net = googlenet(input_shape=(3, 224, 224), outputs=1000, separable=separable)
    assert count(net) - count(net.auxiliary) == parameters  # False: the Caffe model's number
    assert count(net.auxiliary) == 6_379_728
    assert net.auxiliary_weight == 0.3
