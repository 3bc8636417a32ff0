"""Every pooling has the side of its formula, overlapping or not (docs/curriculum.md, G1, H1)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn import POOLINGS


@pytest.mark.parametrize("name", list(POOLINGS))
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("training", [True, False])
def test_the_side_follows_the_formula(name, size, stride, padding, training) -> None:
    side = (9 + 2 * padding - size) // stride + 1
    pool = POOLINGS[name](size, stride=stride, padding=padding).train(training)
    assert pool(torch.rand(2, 3, 9, 9)).shape == (2, 3, side, side)


@pytest.mark.parametrize("name", list(POOLINGS))
def test_equal_activations_pass_unchanged(name) -> None:
    out = POOLINGS[name](3, stride=2, padding=0)(torch.full((1, 1, 7, 7), 0.5))
    assert torch.allclose(out, torch.full((1, 1, 3, 3), 0.5))
