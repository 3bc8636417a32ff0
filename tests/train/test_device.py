"""Devices by name, and one sentence for those that are not here."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.train.device import available_devices, choose_device, placed


def test_auto_is_a_device_of_this_machine() -> None:
    assert choose_device("auto").type in {name.split(":")[0] for name in available_devices()}
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "tpu", "", "cpu:1", "mps:7"])
def test_no_such_device(name) -> None:
    with pytest.raises(UsageError, match="Available: auto, cpu"):
        choose_device(name)


def test_the_layout_of_filters_changes_no_more_than_rounding() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(4 * 16, 5))
    images = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)
    before = network(images)
    torch.testing.assert_close(placed(network, torch.device("cpu"))(images), before, atol=1e-6, rtol=1e-5)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[4].weight.is_contiguous()


def test_a_network_that_reshapes_by_view_is_left_alone() -> None:
    filters = placed(nn.Conv2d(3, 8, 5), torch.device("cpu"), rearrange=False).weight
    assert filters.is_contiguous() and not filters.is_contiguous(memory_format=torch.channels_last)
