"""A factor that is not learned."""

from __future__ import annotations

import torch

from trainwell.nn.layers import Scale


def test_it_multiplies_and_learns_nothing() -> None:
    layer, x = Scale(0.25), torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    layer(x).sum().backward()
    assert torch.equal(layer(x), x / 4) and torch.equal(x.grad, torch.full((2, 3), 0.25))
    assert not list(layer.parameters()) and repr(layer) == "Scale(0.25)"
