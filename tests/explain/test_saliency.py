from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import ShapeError
from trainwell.explain import saliency


def test_only_the_pixels_that_matter_are_salient() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * 4 * 4, 3))
    weight = model[1].weight.data.zero_().view(3, 2, 4, 4)
    weight[1, 0, 2, 3] = -2.0
    weight[1, 1, 2, 3] = 1.0
    weight[2, 1, 0, 0] = 3.0
    shown = saliency(model, torch.randn(2, 2, 4, 4), classes=torch.tensor([1, 2]))
    assert shown.shape == (2, 4, 4)
    assert (shown[0].nonzero().tolist(), shown[0, 2, 3].item()) == ([[2, 3]], 2.0)
    assert (shown[1].nonzero().tolist(), shown[1, 0, 0].item()) == ([[0, 0]], 3.0)


def test_nothing_is_left_behind() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    inputs = torch.randn(2, 4)
    with torch.no_grad():
        saliency(model, inputs, classes=torch.tensor([0, 1]))
    assert model[0].weight.grad is None
    assert not inputs.requires_grad
    assert model.training


def test_one_class_for_each_input() -> None:
    with pytest.raises(ShapeError, match=r"one number per input, \(2,\), got \(3,\)"):
        saliency(nn.Linear(4, 3), torch.zeros(2, 4), classes=torch.zeros(3, dtype=torch.long))
