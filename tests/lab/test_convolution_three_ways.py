"""Curriculum H1."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from trainwell.lab.convolution_three_ways import directly, fourier, im2col


@pytest.mark.parametrize("way", [directly, im2col, fourier])
@pytest.mark.parametrize(("height", "width", "size"), [(7, 9, 3), (8, 8, 1), (5, 5, 5), (9, 6, 4)])
def test_it_equals_torchs(way, height: int, width: int, size: int) -> None:
    torch.manual_seed(0)
    pictures, filters = torch.randn(2, 3, height, width), torch.randn(4, 3, size, size)
    assert torch.allclose(way(pictures, filters), F.conv2d(pictures, filters), atol=1e-4)
