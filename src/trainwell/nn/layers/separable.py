"""Separable convolutions: depthwise (space and channels) and spatially (rows and columns)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from trainwell.nn.layers.convolution import convolution_block


def depthwise_separable(channels_in: int, channels: int, *, stride: int = 1) -> nn.Sequential:
    """Build a 3x3 depthwise convolution and a 1x1 pointwise convolution (Howard et al. 2017, figure 3).

    It needs 1/K + 1/9 of the multiply-adds of a 3x3 convolution with K filters.

    >>> block = depthwise_separable(32, 64)
    >>> block.depthwise.conv.weight.numel() + block.pointwise.conv.weight.numel(), 9 * 32 * 64
    (2336, 18432)
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["depthwise"] = convolution_block(
        channels_in, channels_in, kernel=3, stride=stride, padding=1, groups=channels_in
    )
    layers["pointwise"] = convolution_block(channels_in, channels, kernel=1)
    return nn.Sequential(layers)


def spatially_separable(channels_in: int, channels: int, *, kernel: int = 3) -> nn.Sequential:
    """Build an f x 1 filter followed by a 1 x f filter: 2f instead of f² products per position and channel.

    Height and width stay the same (Szegedy et al. 2016, section 3.2).

    >>> import torch
    >>> spatially_separable(3, 8)(torch.zeros(1, 3, 9, 9)).shape
    torch.Size([1, 8, 9, 9])
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["column"] = convolution_block(channels_in, channels, kernel=(kernel, 1), padding=(kernel // 2, 0))
    layers["row"] = convolution_block(channels, channels, kernel=(1, kernel), padding=(0, kernel // 2))
    return nn.Sequential(layers)
