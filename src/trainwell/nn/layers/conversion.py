"""Fully connected layers as convolutions and back: the same numbers, arranged for another input."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from trainwell.core.errors import UsageError

# What keeps places apart and needs no change; everything else must be a layer that is known below.
_BY_PLACE = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.BatchNorm2d, nn.LocalResponseNorm)


def to_convolution(layer: nn.Linear, size: tuple[int, int] = (1, 1)) -> nn.Conv2d:
    """Return the convolution that computes a fully connected layer at every place of a larger input.

    Args:
        layer: its inputs are (channels, height, width), flattened.
        size: (height, width); (1, 1) for a layer that follows another fully connected one.

    >>> layer = nn.Linear(16 * 5 * 5, 120)
    >>> x = torch.randn(2, 16, 5, 5)
    >>> torch.allclose(to_convolution(layer, (5, 5))(x).flatten(1), layer(x.flatten(1)), atol=1e-5)
    True
    """
    channels = layer.in_features // (size[0] * size[1])
    made = nn.Conv2d(channels, layer.out_features, size, bias=layer.bias is not None, device="meta")
    made.weight = nn.Parameter(layer.weight.detach().reshape(layer.out_features, channels, *size))
    if layer.bias is not None:
        made.bias = nn.Parameter(layer.bias.detach())
    return made


def to_linear(layer: nn.Conv2d, size: tuple[int, int]) -> nn.Linear:
    """Return the fully connected layer that computes a convolution: a large matrix, mostly zero, with shared entries.

    Args:
        layer: the convolution.
        size: (height, width) of its input.

    >>> conv = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    >>> x = torch.randn(4, 2, 7, 6)
    >>> torch.allclose(to_linear(conv, (7, 6))(x.flatten(1)), conv(x).flatten(1), atol=1e-5)
    True
    """
    count = layer.in_channels * size[0] * size[1]
    with torch.no_grad():
        shift = layer(torch.zeros(1, layer.in_channels, *size)).flatten(1)
        columns = layer(torch.eye(count).reshape(count, layer.in_channels, *size)).flatten(1) - shift
        made = nn.Linear(count, shift.shape[1])
        made.weight.copy_(columns.T)
        made.bias.copy_(shift[0])
    return made


def fully_convolutional(model: nn.Module, input_shape: tuple[int, ...]) -> tuple[nn.Sequential, int]:
    """Return a network that gives a classifier's outputs for every window of a larger image, in one pass.

    Fully connected layers become convolutions, the global mean becomes a sliding one. This equals the classifier on
    each window by itself only if no layer pads: padding shows a window zeros where the image goes on.

    Args:
        model: layers in a row, in eval mode; it is left as it is, and its weights are shared.
        input_shape: (channels, height, width) of one window.
    Returns:
        the network, (batch, channels, H, W) to (batch, outputs, rows, columns), and the pixels between two windows.
    Raises:
        UsageError: if a layer pads or cannot be slid; the sentence names it.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    stride = 1
    size: tuple[int, int] = (1, 1)
    x = torch.zeros(1, *input_shape)
    was_training = model.training
    for name, layer in _in_a_row(model.eval()):
        before = tuple(x.shape[2:])
        with torch.no_grad():
            x = layer(x)
        if isinstance(layer, nn.Flatten):
            size = (before[0], before[1])
        elif isinstance(layer, nn.Linear):
            layers[name] = to_convolution(layer, size)
            size = (1, 1)
        elif isinstance(layer, nn.AdaptiveAvgPool2d) and tuple(x.shape[2:]) == (1, 1):
            layers[name] = nn.AvgPool2d((before[0], before[1]), 1)
        elif isinstance(layer, _BY_PLACE) or not list(layer.parameters()) and x.shape[2:] == before:
            stride *= _step(name, layer)
            layers[name] = layer
        else:
            raise UsageError(f"The layer {name} ({type(layer).__name__}) cannot be slid over a larger image.")
    model.train(was_training)
    return nn.Sequential(OrderedDict((name.replace(".", "_"), layer) for name, layer in layers.items())).eval(), stride


def _in_a_row(model: nn.Module, path: str = "") -> list[tuple[str, nn.Module]]:
    if not isinstance(model, nn.Sequential):
        return [(path, model)]
    return [found for name, child in model.named_children() for found in _in_a_row(child, f"{path}.{name}".strip("."))]


def _step(name: str, layer: nn.Module) -> int:
    if isinstance(layer, nn.BatchNorm2d):
        return 1
    padding = getattr(layer, "padding", 0)
    step = getattr(layer, "stride", 1)
    if padding not in (0, (0, 0)) or getattr(layer, "ceil_mode", False):
        raise UsageError(
            f"A network slides exactly only without padding, but its layer {name} pads by {padding}. "
            "Give --crops to classify every window by itself, or train a network without padding."
        )
    steps = step if isinstance(step, tuple) else (step, step)
    if steps[0] != steps[1]:
        raise UsageError(f"The layer {name} must step equally far both ways to be slid, got {steps}.")
    return int(steps[0])
