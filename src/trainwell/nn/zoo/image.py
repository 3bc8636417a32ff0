"""Validation of the input of architectures for images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from trainwell.core.errors import ImageError, UsageError

_MOST_CHANNELS = 64  # more channels than any camera; (227, 227, 3) is an image with channels last


def image(name: str, input_shape: Sequence[int], *, smallest: int) -> tuple[int, int, int]:
    """Return (channels, height, width) if the network accepts such images.

    Args:
        name: of the network, for the message.
        input_shape: shape of one example.
        smallest: minimum side, for which the last pooling still has an output.
    Raises:
        ImageError: if the input is not an image, or is too small.
        UsageError: if its channels come last.

    >>> image("vgg16", (3, 16, 16), smallest=32)
    Traceback (most recent call last):
    trainwell.core.errors.ImageError: vgg16 needs images of at least 32x32, got inputs of shape 3x16x16. ...
    """
    shape = "x".join(map(str, input_shape))
    if len(input_shape) == 3 and input_shape[0] > _MOST_CHANNELS and input_shape[2] < input_shape[0]:
        turned = "x".join(map(str, (input_shape[2], *input_shape[:2])))
        raise UsageError(f"{name} needs channels x height x width, got {shape}. Give {turned}.")
    if len(input_shape) != 3 or min(input_shape[1:]) < smallest or input_shape[0] < 1:
        raise ImageError(
            f"{name} needs images of at least {smallest}x{smallest}, got inputs of shape {shape}.",
            smallest=smallest,
            advice=(f"Try data.image_size = {smallest}, or" if len(input_shape) == 3 else "Try") + " nn.model = 'mlp'.",
        )
    channels, height, width = input_shape
    return channels, height, width


def grid(layers: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """Return the output height and width of a sequence of convolutions and poolings.

    >>> grid(nn.Sequential(nn.Conv2d(3, 96, 11, stride=4), nn.MaxPool2d(3, 2)), (227, 227))
    (27, 27)
    """
    height, width = size
    for layer in layers.modules():
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            kernel, stride, padding = (_pair(getattr(layer, part)) for part in ("kernel_size", "stride", "padding"))
            extra = [s - 1 if getattr(layer, "ceil_mode", False) else 0 for s in stride]
            height = (height + 2 * padding[0] - kernel[0] + extra[0]) // stride[0] + 1
            width = (width + 2 * padding[1] - kernel[1] + extra[1]) // stride[1] + 1
    return height, width


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)
