from __future__ import annotations

import torch
from torch import nn

from trainwell.cost import count_parameters


def test_lenet(lenet: nn.Sequential) -> None:
    assert count_parameters(lenet) == {"trainable": 61_706, "frozen": 0, "bytes": 4 * 61_706}


def test_types_and_frozen_parts() -> None:
    model = nn.Sequential(nn.Linear(4, 4, dtype=torch.bfloat16), nn.Linear(4, 2))
    model[1].requires_grad_(False)
    assert count_parameters(model) == {"trainable": 20, "frozen": 10, "bytes": 2 * 20 + 4 * 10}
