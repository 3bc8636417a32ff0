"""docs/curriculum.md, H1."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from trainwell.lab.convolution_three_ways import directly, fourier, im2col, pool, positions


@pytest.mark.parametrize("way", [directly, im2col, fourier])
@pytest.mark.parametrize(("height", "width", "size"), [(7, 9, 3), (8, 8, 1), (5, 5, 5), (9, 6, 4)])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 2)])
def test_it_equals_torchs(way, height: int, width: int, size: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    images, filters = torch.randn(2, 3, height, width), torch.randn(4, 3, size, size)
    found = way(images, filters, stride=stride, padding=padding)
    assert torch.allclose(found, F.conv2d(images, filters, stride=stride, padding=padding), atol=1e-4)
    assert found.shape[-1] == positions(width, size, stride=stride, padding=padding)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_pooling_equals_torchs(size: int, stride: int) -> None:
    images = torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pool(images, size, stride=stride), F.max_pool2d(images, size, stride))
    mean = pool(images, size, stride=stride, mean=True)
    assert torch.allclose(mean, F.avg_pool2d(images, size, stride), atol=1e-6)
