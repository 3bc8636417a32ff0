"""Fully connected layers as convolutions and back, with the same weights."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from trainwell.core.errors import UsageError

# Layers that act on each position alone need no change; any other must be of a type handled below.
_BY_PLACE = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.BatchNorm2d, nn.LocalResponseNorm)


def to_convolution(layer: nn.Linear, size: tuple[int, int] = (1, 1)) -> nn.Conv2d:
    """Return the convolution that computes a fully connected layer at every position of a larger input.

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
    """Return a fully convolutional network that computes a classifier's outputs for every window of a larger image.

    Fully connected layers become convolutions, global average pooling becomes a sliding one. This equals the
    classifier on each window only without padding: padding replaces pixels of the image around a window by zeros.

    Args:
        model: a sequential network in eval mode; it is not changed, and its weights are shared.
        input_shape: (channels, height, width) of one window.
    Returns:
        the network, (batch, channels, H, W) to (batch, outputs, rows, columns), and its stride in pixels.
    Raises:
        UsageError: if a layer pads or cannot be converted; the message names it.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    stride = 1
    size: tuple[int, int] = (1, 1)
    x = torch.zeros(1, *input_shape)
    was_training = model.training
    for name, layer in _flat_layers(model.eval()):
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
            raise UsageError(f"Layer {name} ({type(layer).__name__}) cannot be applied to a larger image.")
    model.train(was_training)
    return nn.Sequential(OrderedDict((name.replace(".", "_"), layer) for name, layer in layers.items())).eval(), stride


def _flat_layers(model: nn.Module, path: str = "") -> list[tuple[str, nn.Module]]:
    if not isinstance(model, nn.Sequential):
        return [(path, model)]
    return [
        found for name, child in model.named_children() for found in _flat_layers(child, f"{path}.{name}".strip("."))
    ]


def _step(name: str, layer: nn.Module) -> int:
    if isinstance(layer, nn.BatchNorm2d):
        return 1
    padding = getattr(layer, "padding", 0)
    step = getattr(layer, "stride", 1)
    if padding not in (0, (0, 0)) or getattr(layer, "ceil_mode", False):
        raise UsageError(
            f"Sliding windows need a network without padding, but layer {name} pads by {padding}. "
            "Use --crops to classify each window separately, or train a network without padding."
        )
    steps = step if isinstance(step, tuple) else (step, step)
    if steps[0] != steps[1]:
        raise UsageError(f"Layer {name} must have the same stride in both directions, got {steps}.")
    return int(steps[0])
