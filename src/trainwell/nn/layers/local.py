"""Locally connected layers: convolutions whose filters are not shared over positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@final
class LocallyConnected2d(nn.Module):
    """A convolution with unshared weights: each position has its own filters (Gregor and LeCun 2010).

    For inputs whose positions have different meanings, as in aligned faces (Taigman et al. 2014, section 3.2).

    Args:
        channels_in: input channels.
        channels: output channels.
        kernel: side of the filters.
        size: (height, width) of the input, which is fixed because filters belong to positions.
        stride: pixels between two positions.

    >>> layer = LocallyConnected2d(16, 16, kernel=9, size=(63, 63))
    >>> layer.weight.shape, sum(p.numel() for p in layer.parameters()) == 55 * 55 * 16 * (9 * 9 * 16 + 1)
    (torch.Size([48400, 1296]), True)
    """

    def __init__(self, channels_in: int, channels: int, *, kernel: int, size: tuple[int, int], stride: int = 1) -> None:
        super().__init__()
        self.channels_in = channels_in
        self.kernel = kernel
        self.stride = stride
        self.places = ((size[0] - kernel) // stride + 1, (size[1] - kernel) // stride + 1)
        count = self.places[0] * self.places[1]
        # One unit per row, as in every other layer, so that decay, penalties and max-norm tell weights from biases.
        self.weight = nn.Parameter(torch.empty(count * channels, channels_in * kernel * kernel))
        self.bias = nn.Parameter(torch.zeros(channels * count))
        nn.init.normal_(self.weight, std=(2 / (channels_in * kernel * kernel)) ** 0.5)

    def banks(self) -> Iterator[Tensor]:
        """Yield the filters of each position in order, (channels, channels_in, kernel, kernel)."""
        yield from self.weight.view(self.places[0] * self.places[1], -1, self.channels_in, self.kernel, self.kernel)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels_in, height, width) to (batch, channels, rows, columns)."""
        windows = F.unfold(x, self.kernel, stride=self.stride)
        filters = self.weight.view(windows.shape[2], -1, windows.shape[1])
        products = torch.einsum("bkp,pok->bop", windows, filters)
        return (products + self.bias.view(products.shape[1:])).view(len(x), -1, *self.places)
