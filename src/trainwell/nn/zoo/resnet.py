"""The small residual networks for 32 x 32 pictures (He, Zhang, Ren, Sun 2016, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.errors import UsageError


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around an identity shortcut; new channels of the shortcut are zeros (option A).

    Args:
        channels_in: channels that come in.
        channels: channels that go out, at least `channels_in`.
        stride: 2 halves height and width.
    """

    def __init__(self, channels_in: int, channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.activation1 = nn.ReLU()
        self.activation2 = nn.ReLU()
        self.stride = stride
        self.new_channels = channels - channels_in

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels_in, height, width) to (batch, channels, height / stride, width / stride)."""
        residual = self.norm2(self.conv2(self.activation1(self.norm1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.new_channels))
        answer: Tensor = self.activation2(residual + shortcut)
        return answer


class ResNet(nn.Module):
    """A 3x3 convolution, three stages of `blocks` residual blocks at width, 2 width, 4 width, and a linear head.

    Args:
        input_shape: (channels, height, width).
        outputs: numbers returned for one picture, unnormalised.
        blocks: residual blocks in each stage; depth is 6 * blocks + 2.
        width: channels of the first stage.
    """

    def __init__(self, *, input_shape: Sequence[int], outputs: int, blocks: int = 3, width: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(input_shape[0], width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU()
        stages = []
        channels = width
        for stage in range(3):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(ResidualBlock(channels, width * 2**stage, stride=stride))
                channels = width * 2**stage
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures (batch, channels, height, width) to (batch, outputs)."""
        x = self.stages(self.activation(self.norm(self.conv(x))))
        logits: Tensor = self.head(torch.mean(x, dim=(2, 3)))
        return logits


def resnet20(*, input_shape: Sequence[int], outputs: int, width: int = 16) -> nn.Module:
    """Build the 20-layer network of the paper's table 6.

    Raises:
        UsageError: if the input is not a picture or is too small.

    >>> net = resnet20(input_shape=(3, 32, 32), outputs=10)
    >>> sum(p.numel() for p in net.parameters())
    269722
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 8:
        shape = "x".join(map(str, input_shape))
        raise UsageError(f"resnet20 needs pictures of at least 8x8, got inputs of shape {shape}. Try nn.model = 'mlp'.")
    return ResNet(input_shape=input_shape, outputs=outputs, blocks=3, width=width)
