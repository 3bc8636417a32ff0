"""docs/curriculum.md, C2, M3."""

from __future__ import annotations

import torch
from torch import nn

from trainwell.lab.dying_relu import activation_slope


def test_a_unit_is_dead_only_if_no_input_wakes_it() -> None:
    before = torch.tensor([[-1.0, 2.0], [-3.0, -1.0]])
    assert activation_slope(nn.ReLU(), before).tolist() == [0, 1]
    assert activation_slope(nn.LeakyReLU(0.01), before)[0].item() > 0
