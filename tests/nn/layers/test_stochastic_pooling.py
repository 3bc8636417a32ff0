"""Stochastic pooling: prediction equals the mean of the draws (docs/curriculum.md, G1)."""

from __future__ import annotations

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from trainwell.nn.layers import StochasticPool2d


def test_prediction_is_the_training_mean() -> None:
    torch.manual_seed(0)
    images, pool = torch.randn(1, 3, 7, 6), StochasticPool2d(3)
    drawn = pool(images.expand(20_000, -1, -1, -1))
    assert drawn.shape == (20_000, 3, 2, 2)
    assert torch.allclose(drawn.mean(0), pool.eval()(images)[0], atol=0.03)


def test_a_draw_is_one_of_the_windows_activations() -> None:
    torch.manual_seed(0)
    images = torch.rand(50, 2, 4, 4)
    drawn = StochasticPool2d(2)(images)
    windows = images.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert (drawn[..., None] == windows).any(-1).all()


def test_windows_of_zeros_and_negatives_give_zero() -> None:
    pool = StochasticPool2d(2)
    for images in (torch.zeros(1, 1, 2, 2), -torch.ones(1, 1, 2, 2)):
        assert pool.train()(images).item() == 0 == pool.eval()(images).item()


@settings(deadline=None)
@given(side=st.integers(5, 12), size=st.integers(2, 4), stride=st.integers(1, 4), padding=st.integers(0, 1))
def test_a_rest_at_the_border_has_a_window_as_in_torch(side: int, size: int, stride: int, padding: int) -> None:
    assume(2 * padding <= size)
    x = torch.rand(1, 2, side, side + 1) + 0.1
    ours = StochasticPool2d(size, stride=stride, padding=padding, ceil=True)
    assert ours(x).shape == F.max_pool2d(x, size, stride, padding, ceil_mode=True).shape
    assert (ours(x) > 0).all()
