"""Losses and gradients of many networks."""

from __future__ import annotations

import torch

from trainwell.population.gradients import clip_gradients


def test_each_member_is_clipped_by_its_own_limit() -> None:
    gradients = {"a": torch.randn(4, 3, 2), "b": torch.randn(4, 5)}
    limits = torch.tensor([0.0, 0.1, 1.0, 1e6])
    clipped = clip_gradients({name: gradient.clone() for name, gradient in gradients.items()}, limits)
    for row, limit in enumerate(limits.tolist()):
        alone = [torch.nn.Parameter(torch.zeros_like(gradient[row])) for gradient in gradients.values()]
        for parameter, gradient in zip(alone, gradients.values(), strict=True):
            parameter.grad = gradient[row].clone()
        if limit:
            torch.nn.utils.clip_grad_norm_(alone, limit)
        for parameter, gradient in zip(alone, clipped.values(), strict=True):
            torch.testing.assert_close(gradient[row], parameter.grad)
