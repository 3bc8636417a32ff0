"""Inception modules: parallel filters of several sizes, their feature maps concatenated."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

import torch
from torch import Tensor, nn

from trainwell.nn.layers.convolution import convolution_block as conv


@final
class Stack(nn.Module):
    """Parallel branches on the same input; their channels are concatenated in order.

    Args:
        branches: name to branch; all return the same height and width.
    """

    def __init__(self, branches: OrderedDict[str, nn.Module]) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, sum of the branches' channels, height', width')."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)


def inception(channels_in: int, channels: tuple[int, int, int, int, int, int]) -> Stack:
    """Build the module of GoogLeNet (Szegedy et al. 2015, figure 2b), without normalisation.

    Args:
        channels_in: input channels.
        channels: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection: the columns of the paper's table 1.

    >>> sum(p.numel() for p in inception(192, (64, 96, 128, 16, 32, 32)).parameters())
    163696
    """
    one, reduce3, three, reduce5, five, pool = channels
    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["one"] = conv(channels_in, one, kernel=1, norm=False)
    branches["three"] = nn.Sequential(
        conv(channels_in, reduce3, kernel=1, norm=False), conv(reduce3, three, kernel=3, padding=1, norm=False)
    )
    branches["five"] = nn.Sequential(
        conv(channels_in, reduce5, kernel=1, norm=False), conv(reduce5, five, kernel=5, padding=2, norm=False)
    )
    branches["pool"] = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(channels_in, pool, kernel=1, norm=False))
    return Stack(branches)


def inception_square(channels_in: int, pool: int, *, width: float = 1.0) -> Stack:
    """Build the first module of Inception-v3: a 5x5 becomes two 3x3 (Szegedy et al. 2016, figure 5).

    Like the authors' program it keeps one branch with a 5x5 filter.

    Args:
        channels_in: input channels.
        pool: channels of the pooling branch.
        width: multiplier of the numbers of channels.
    """
    c48, c64, c96 = (round(width * count) for count in (48, 64, 96))
    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["one"] = conv(channels_in, c64, kernel=1)
    branches["five"] = nn.Sequential(conv(channels_in, c48, kernel=1), conv(c48, c64, kernel=5, padding=2))
    branches["threes"] = nn.Sequential(
        conv(channels_in, c64, kernel=1), conv(c64, c96, kernel=3, padding=1), conv(c96, c96, kernel=3, padding=1)
    )
    branches["pool"] = nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(channels_in, round(width * pool), kernel=1))
    return Stack(branches)


def inception_factorised(channels_in: int, middle: int, *, width: float = 1.0) -> Stack:
    """Build the second module of Inception-v3: 7x7 as 1x7 and 7x1 (figure 6).

    Args:
        channels_in: input channels.
        middle: channels between the factors.
        width: multiplier of the numbers of channels.
    """
    c192 = round(width * 192)
    middle = round(width * middle)
    row = ((1, 7), (0, 3))
    column = ((7, 1), (3, 0))

    def chain(*kernels: tuple[tuple[int, int], tuple[int, int]]) -> nn.Sequential:
        layers: list[nn.Module] = [conv(channels_in, middle, kernel=1)]
        for number, (kernel, padding) in enumerate(kernels, start=1):
            out = c192 if number == len(kernels) else middle
            layers.append(conv(middle, out, kernel=kernel, padding=padding))
        return nn.Sequential(*layers)

    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["one"] = conv(channels_in, c192, kernel=1)
    branches["seven"] = chain(row, column)
    branches["sevens"] = chain(column, row, column, row)
    branches["pool"] = nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(channels_in, c192, kernel=1))
    return Stack(branches)


def inception_expanded(channels_in: int, *, width: float = 1.0) -> Stack:
    """Build the third module of Inception-v3: 1x3 and 3x1 in parallel, for the coarsest grid (figure 7)."""
    c192, c320, c384, c448 = (round(width * count) for count in (192, 320, 384, 448))

    def fork() -> Stack:
        row = conv(c384, c384, kernel=(1, 3), padding=(0, 1))
        column = conv(c384, c384, kernel=(3, 1), padding=(1, 0))
        return Stack(OrderedDict(row=row, column=column))

    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["one"] = conv(channels_in, c320, kernel=1)
    branches["three"] = nn.Sequential(conv(channels_in, c384, kernel=1), fork())
    branches["threes"] = nn.Sequential(conv(channels_in, c448, kernel=1), conv(c448, c384, kernel=3, padding=1), fork())
    branches["pool"] = nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(channels_in, c192, kernel=1))
    return Stack(branches)
