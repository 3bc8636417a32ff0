"""Fully connected layers and convolutions are the same numbers (docs/curriculum.md, H1, A9)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.nn.layers import fully_convolutional, to_linear
from trainwell.nn.zoo.lenet5 import lenet5
from trainwell.nn.zoo.mlp import mlp
from trainwell.nn.zoo.resnet import resnet20


def networks() -> dict[str, tuple[nn.Module, int]]:
    pooled = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(4, 3),
    )  # fmt: skip
    pooled[1].running_mean.uniform_()
    shape = (1, 32, 32)
    return {
        "lenet": (lenet5(input_shape=shape, outputs=3), 4),
        "mlp": (mlp(input_shape=shape, outputs=3, hidden=[8]), 1),
        "pooled": (pooled, 2),
    }


@pytest.mark.parametrize("name", ["lenet", "mlp", "pooled"])
def test_one_pass_equals_every_window_by_itself(name: str) -> None:
    torch.manual_seed(0)
    network, stride = networks()[name]
    network.eval()
    slid, step = fully_convolutional(network, (1, 32, 32))
    assert step == stride
    big = torch.randn(1, 1, 45, 50)
    with torch.no_grad():
        out = slid(big)
        for row in range((45 - 32) // step + 1):
            for column in range((50 - 32) // step + 1):
                window = big[:, :, row * step : row * step + 32, column * step : column * step + 32]
                assert torch.allclose(out[0, :, row, column], network(window)[0], atol=1e-4)


def test_the_network_is_left_as_it_was() -> None:
    network = lenet5(input_shape=(1, 32, 32), outputs=3).train()
    fully_convolutional(network, (1, 32, 32))
    assert network.training
    assert isinstance(network.fc1, nn.Linear)


@pytest.mark.parametrize(
    ("network", "match"),
    [
        (lenet5(input_shape=(1, 28, 28), outputs=3), "layer conv1 pads by"),
        (resnet20(input_shape=(1, 28, 28), outputs=3), "layer conv pads by"),
        (nn.Sequential(nn.Flatten(2), nn.LSTM(784, 3)), "cannot be applied to a larger image"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, stride=(1, 2))), "same stride in both directions"),
    ],
)
def test_what_cannot_be_slid_is_named(network: nn.Module, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        fully_convolutional(network, (1, 28, 28))


def test_a_convolution_is_a_matrix_with_shared_entries() -> None:
    conv = nn.Conv2d(1, 1, 3, bias=False)
    matrix = to_linear(conv, (5, 5)).weight
    assert matrix.shape == (9, 25)
    assert set(matrix.abs().gt(0).sum(dim=1).tolist()) == {9}
