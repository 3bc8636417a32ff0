"""The block most networks are made of: convolution, normalisation, non-linearity."""

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
    """Build a convolution followed by batch normalisation and a rectifier.

    Its volume is floor((h + 2p - f) / s) + 1 high; it holds K (f f c + 1) numbers without normalisation. With it the
    bias is left out, because the shift that follows does the same.

    Args:
        channels_in: channels that come in.
        channels: channels that go out.
        kernel: side of the filter, or (height, width) of one that is not square.
        stride: steps between two places of the filter.
        padding: zeros on each side.
        groups: parts into which the channels are divided; `channels_in` makes it depth-wise.
        norm: False leaves the normalisation out, as networks before 2015 do.

    >>> sum(p.numel() for p in convolution_block(3, 96, kernel=11, stride=4, norm=False).parameters())
    34944
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels_in, channels, kernel, stride, padding, groups=groups, bias=not norm)
    if norm:
        layers["norm"] = nn.BatchNorm2d(channels)
    layers["activation"] = nn.ReLU()
    return nn.Sequential(layers)
