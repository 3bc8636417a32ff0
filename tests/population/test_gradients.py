"""Losses and gradients of many networks."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from trainwell.population.gradients import clip, cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shared", [True, False])
def test_cross_entropy_of_many_is_that_of_each(smoothing: float, shared: bool) -> None:
    outputs = torch.randn(3, 5, 4) * 30  # large logits: nothing may overflow
    targets = torch.randint(0, 4, (5,) if shared else (3, 5))
    found = cross_entropy(outputs, targets, torch.full((3,), smoothing))
    for row in range(3):
        own = targets if shared else targets[row]
        torch.testing.assert_close(found[row], F.cross_entropy(outputs[row], own, label_smoothing=smoothing))


def test_each_member_is_clipped_by_its_own_limit() -> None:
    gradients = {"a": torch.randn(4, 3, 2), "b": torch.randn(4, 5)}
    limits = torch.tensor([0.0, 0.1, 1.0, 1e6])
    clipped = clip({name: gradient.clone() for name, gradient in gradients.items()}, limits)
    for row, limit in enumerate(limits.tolist()):
        alone = [torch.nn.Parameter(torch.zeros_like(gradient[row])) for gradient in gradients.values()]
        for parameter, gradient in zip(alone, gradients.values(), strict=True):
            parameter.grad = gradient[row].clone()
        if limit:
            torch.nn.utils.clip_grad_norm_(alone, limit)
        for parameter, gradient in zip(alone, clipped.values(), strict=True):
            torch.testing.assert_close(gradient[row], parameter.grad)
