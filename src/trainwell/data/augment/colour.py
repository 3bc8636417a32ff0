"""Random changes of colour and sharpness, and mixtures of two images, independent for every image of a batch.

Images are (B, C, H, W) numbers from 0 to 1. Blur, contrast and saturation are those of Kornia.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainwell.core.errors import MissingExtraError

Change = Callable[[Tensor, float], Tensor]


def _kornia() -> Any:
    try:
        import kornia
    except ImportError:
        raise MissingExtraError("Changing colours", "kornia", extra="vision") from None
    return kornia


def _factors(images: Tensor, strength: float) -> Tensor:
    return (1 + strength * (2 * torch.rand(len(images)) - 1)).to(images)


def blur(images: Tensor, strength: float) -> Tensor:
    """Blur with a Gaussian of up to `strength` pixels standard deviation."""
    width = 2 * max(1, round(2 * strength)) + 1
    sigma = (strength * torch.rand(len(images), 1)).clamp_min(0.05).expand(-1, 2).to(images)
    return _kornia().filters.gaussian_blur2d(images, (width, width), sigma)  # type: ignore[no-any-return]


def colour(images: Tensor, strength: float) -> Tensor:
    """Change brightness, contrast and colour balance by up to this fraction."""
    changed = _kornia().enhance.adjust_contrast(images, _factors(images, strength))
    balance = 1 + strength * (2 * torch.rand(len(images), images.shape[1], 1, 1) - 1) / 2
    bright = _factors(images, strength).view(-1, 1, 1, 1)
    return (changed * bright * balance.to(images)).clamp(0, 1)  # type: ignore[no-any-return]


def saturation(images: Tensor, strength: float) -> Tensor:
    """Change the saturation by up to this fraction; grey images stay as they are."""
    if images.shape[1] != 3:
        return images
    return _kornia().enhance.adjust_saturation(images, _factors(images, strength))  # type: ignore[no-any-return]


def pca_colour(images: Tensor, strength: float) -> Tensor:
    """Add multiples of the principal components of the colours (AlexNet, Krizhevsky et al. 2012: deviation 0.1).

    The components are those of the batch, which holds training images only, so nothing need be stored.
    """
    pixels = images.transpose(0, 1).flatten(1)
    centred = pixels - pixels.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred @ centred.T / centred.shape[1])
    drawn = strength * torch.randn(len(images), len(values)).to(images)
    shift = (drawn * values.clamp_min(0)) @ vectors.T
    changed: Tensor = images + shift[:, :, None, None]
    return changed


def _partner(images: Tensor) -> tuple[Tensor, Tensor]:
    return images, images[torch.randperm(len(images)).to(images.device)]


def _share(count: int, strength: float) -> Tensor:
    """Draw the weight of an image's own pixels from Beta(a + 1, a).

    Mixup draws from Beta(a, a) and mixes the labels too. With the image's own label kept, this distribution gives the
    same expected gradient (Huszár 2017).
    """
    return torch.distributions.Beta(strength + 1, strength).sample((count,))


def mixup(images: Tensor, strength: float) -> Tensor:
    """Mix every image with another of the batch (Zhang et al. 2018), and keep its own label."""
    own, other = _partner(images)
    share = _share(len(images), strength).to(images).view(-1, 1, 1, 1)
    mixed: Tensor = share * own + (1 - share) * other
    return mixed


def cutmix(images: Tensor, strength: float) -> Tensor:
    """Replace a box of every image by that of another (Yun et al. 2019), and keep its own label."""
    own, other = _partner(images)
    height, width = images.shape[2:]
    side = (1 - _share(len(images), strength)).sqrt()
    y, x = ((torch.rand(len(images)) - 0.5) * (1 - side) + 0.5 for _ in range(2))
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    inside_y = (rows - y[:, None]).abs() < side[:, None] / 2
    inside_x = (columns - x[:, None]).abs() < side[:, None] / 2
    inside = (inside_y[:, None, :, None] & inside_x[:, None, None, :]).to(images.device)
    return torch.where(inside, other, own)


COLOURS: dict[str, tuple[Change, float]] = {
    "blur": (blur, 1.0),
    "colour": (colour, 0.2),
    "saturation": (saturation, 0.4),
    "pca_colour": (pca_colour, 0.1),
    "mixup": (mixup, 0.2),
    "cutmix": (cutmix, 1.0),
}
