"""LeNet-5 has the parameters of its layer table (docs/curriculum.md, K1) and adapts to the input."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.nn.zoo.lenet5 import lenet5


@pytest.mark.parametrize("side", [28, 32])
def test_parameters_of_the_paper(side: int) -> None:
    net = lenet5(input_shape=(1, side, side), outputs=10)
    counts = [sum(p.numel() for p in layer.parameters()) for layer in net if list(layer.parameters())]
    assert counts == [156, 2416, 48120, 10164, 850]
    assert net(torch.zeros(2, 1, side, side)).shape == (2, 10)


@pytest.mark.parametrize("shape", [(3, 12, 12), (1, 40, 64)])
def test_other_sizes_work(shape) -> None:
    assert lenet5(input_shape=shape, outputs=3)(torch.zeros(2, *shape)).shape == (2, 3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (30,)])
def test_too_small_or_no_image_is_one_sentence(shape) -> None:
    with pytest.raises(UsageError, match="lenet5 needs images of at least 12x12, got inputs of shape"):
        lenet5(input_shape=shape, outputs=10)
