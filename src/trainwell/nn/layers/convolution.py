"""The basic block: convolution, normalisation, non-linearity."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

Sides = int | tuple[int, int]


def convolution_block(
    channels_in: int,
    channels: int,
    *,
    kernel: Sides,
    stride: int = 1,
    padding: Sides = 0,
    groups: int = 1,
    norm: bool = True,
) -> nn.Sequential:
    """Build a convolution followed by batch normalisation and ReLU.

    The output height is floor((h + 2p - f) / s) + 1; without normalisation there are K (f f c + 1) parameters. With it
    the convolution has no bias, because the shift of the normalisation does the same.

    Args:
        channels_in: input channels.
        channels: output channels.
        kernel: side of the filter, or its (height, width).
        stride: pixels between two positions of the filter.
        padding: zeros on each side.
        groups: number of channel groups; `channels_in` makes the convolution depthwise.
        norm: False omits the normalisation, as in networks before 2015.

    >>> sum(p.numel() for p in convolution_block(3, 96, kernel=11, stride=4, norm=False).parameters())
    34944
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels_in, channels, kernel, stride, padding, groups=groups, bias=not norm)
    if norm:
        layers["norm"] = nn.BatchNorm2d(channels)
    layers["activation"] = nn.ReLU()
    return nn.Sequential(layers)
