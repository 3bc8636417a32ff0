"""Residual blocks: the output of their layers is added to the input (He, Zhang, Ren, Sun 2016)."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from torch import Tensor, nn
from torch.nn import functional as F


@final
class ZeroPad(nn.Module):
    """The shortcut without parameters (option A): every `stride`-th pixel, and zeros for the new channels.

    Args:
        new_channels: channels to add.
        stride: 2 halves height and width.
    """

    def __init__(self, new_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.new_channels = new_channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, channels + new_channels, height / stride, width / stride)."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


@final
class Residual(nn.Module):
    """relu(body(x) + shortcut(x)).

    Args:
        body: the residual function.
        shortcut: `nn.Identity`, a projection or `ZeroPad`.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the output shape of the body."""
        answer: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return answer


def residual_block(
    channels_in: int, channels: int, *, middle: int = 0, stride: int = 1, zero_pad: bool = False
) -> Residual:
    """Build a residual block; its shortcut is the identity where the shapes allow it.

    Args:
        channels_in: input channels.
        channels: output channels.
        middle: channels of the 3x3 convolution of a bottleneck (1x1, 3x3, 1x1); 0 gives two 3x3 convolutions.
        stride: 2 halves height and width, in the first convolution as in the paper.
        zero_pad: where shapes differ, pad channels with zeros (option A) instead of projecting with a
            1x1 convolution (option B).

    >>> [type(residual_block(8, k, zero_pad=k == 16).shortcut).__name__ for k in (8, 16, 32)]
    ['Identity', 'ZeroPad', 'Sequential']
    """
    plan = [(middle, 1), (middle, 3), (channels, 1)] if middle else [(channels, 3), (channels, 3)]
    body: OrderedDict[str, nn.Module] = OrderedDict()
    before = channels_in
    for number, (width, kernel) in enumerate(plan, start=1):
        step = stride if number == 1 else 1
        body[f"conv{number}"] = nn.Conv2d(before, width, kernel, step, kernel // 2, bias=False)
        body[f"norm{number}"] = nn.BatchNorm2d(width)
        if number < len(plan):
            body[f"activation{number}"] = nn.ReLU()
        before = width
    shortcut: nn.Module = nn.Identity()
    if zero_pad and (stride > 1 or channels != channels_in):
        shortcut = ZeroPad(channels - channels_in, stride=stride)
    elif stride > 1 or channels != channels_in:
        projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
        shortcut = nn.Sequential(OrderedDict(conv=projection, norm=nn.BatchNorm2d(channels)))
    return Residual(nn.Sequential(body), shortcut)
