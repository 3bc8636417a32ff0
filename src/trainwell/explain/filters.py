"""Filters and feature maps of a convolutional network as images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.core.modes import evaluation_mode
from trainwell.explain.features import hooked
from trainwell.explain.image import Bytes, to_pixels

_MOST = 64  # filters or channels in one image


def first_filters(model: nn.Module) -> list[Bytes]:
    """Return the filters of the first convolution as images, each scaled to the full range from black to white.

    Returns:
        (k, k, 3) where the input has three channels, else (k, k) of the first channel; empty without convolutions.
    """
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        return []
    weights = first.weight.detach().cpu().numpy()[:_MOST]
    return [to_pixels(w if len(w) == 3 else w[0]) for w in weights]


def volumes(model: nn.Module, image: Tensor) -> dict[str, list[Bytes]]:
    """Return the feature maps of the first, the middle and the last convolution as images, one for each channel.

    Args:
        model: the network; its modes are left as they are.
        image: (1, channels, height, width), prepared.
    """
    kept: dict[str, NDArray[Any]] = {}

    def watch(name: str) -> Any:
        def keep(module: nn.Module, given: Any, output: Tensor) -> None:
            kept[name] = output[0].detach().cpu().numpy()

        return keep

    found = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    chosen = {0, len(found) // 2, len(found) - 1} if found else set()
    handles = [found[place][1].register_forward_hook(watch(found[place][0])) for place in sorted(chosen)]
    with hooked(handles), evaluation_mode(model), torch.no_grad():
        model(image)
    return {name: [to_pixels(channel) for channel in volume[:_MOST]] for name, volume in kept.items()}


def grid(tiles: Sequence[Bytes], *, across: int = 8) -> Bytes:
    """Arrange images of equal size in rows, with white lines between them.

    >>> grid([np.zeros((2, 2), np.uint8)] * 3, across=2).shape
    (7, 7)
    """
    height, width = tiles[0].shape[:2]
    across = min(across, len(tiles))
    rows = -(-len(tiles) // across)
    shape = (rows * (height + 1) + 1, across * (width + 1) + 1, *tiles[0].shape[2:])
    paper = np.full(shape, 255, np.uint8)
    for place, tile in enumerate(tiles):
        y = place // across * (height + 1) + 1
        x = place % across * (width + 1) + 1
        paper[y : y + height, x : x + width] = tile
    return paper


def heat(image: Bytes, strength: NDArray[Any]) -> Bytes:
    """Overlay an image with a heat map from red to yellow.

    Args:
        image: (height, width, channels) uint8.
        strength: (height, width), not negative; the scale ends at its 99 % quantile, so that single pixels do not hide
            the others.
    Returns:
        (height, width, 3).
    """
    top = float(np.quantile(strength, 0.99)) or float(strength.max()) or 1.0
    share = np.clip(strength / top, 0, 1)[..., np.newaxis]
    grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.55
    glow = np.concatenate([np.full_like(share, 255), 240 * share**1.5, 40 * share], axis=2)
    blended: Bytes = np.rint(grey * (1 - share) + glow * share).astype(np.uint8)
    return blended
