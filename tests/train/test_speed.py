"""Devices by name, and one sentence for those that are not here."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.train.speed import available_devices, choose_device


def test_auto_is_a_device_of_this_machine() -> None:
    assert choose_device("auto").type in {name.split(":")[0] for name in available_devices()}
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "tpu", "", "cpu:1", "mps:7"])
def test_no_such_device(name) -> None:
    with pytest.raises(UsageError, match="Available: auto, cpu"):
        choose_device(name)
