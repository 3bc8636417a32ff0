"""Random changes of colour and sharpness, and mixtures of two pictures, independent for every picture of a batch.

Pictures are (B, C, H, W) numbers from 0 to 1. Blur, contrast and saturation are those of Kornia.
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


def _factors(pictures: Tensor, strength: float) -> Tensor:
    return (1 + strength * (2 * torch.rand(len(pictures)) - 1)).to(pictures)


def blur(pictures: Tensor, strength: float) -> Tensor:
    """Blur with a Gaussian of up to `strength` pixels standard deviation."""
    width = 2 * max(1, round(2 * strength)) + 1
    sigma = (strength * torch.rand(len(pictures), 1)).clamp_min(0.05).expand(-1, 2).to(pictures)
    return _kornia().filters.gaussian_blur2d(pictures, (width, width), sigma)  # type: ignore[no-any-return]


def colour(pictures: Tensor, strength: float) -> Tensor:
    """Change brightness, contrast and colour balance by up to this fraction."""
    changed = _kornia().enhance.adjust_contrast(pictures, _factors(pictures, strength))
    balance = 1 + strength * (2 * torch.rand(len(pictures), pictures.shape[1], 1, 1) - 1) / 2
    bright = _factors(pictures, strength).view(-1, 1, 1, 1)
    return (changed * bright * balance.to(pictures)).clamp(0, 1)  # type: ignore[no-any-return]


def saturation(pictures: Tensor, strength: float) -> Tensor:
    """Change the saturation by up to this fraction; grey pictures stay as they are."""
    if pictures.shape[1] != 3:
        return pictures
    return _kornia().enhance.adjust_saturation(pictures, _factors(pictures, strength))  # type: ignore[no-any-return]


def pca_colour(pictures: Tensor, strength: float) -> Tensor:
    """Add multiples of the principal components of the colours (AlexNet, Krizhevsky et al. 2012: deviation 0.1).

    The components are those of the batch, which holds training pictures only, so nothing need be stored.
    """
    pixels = pictures.transpose(0, 1).flatten(1)
    centred = pixels - pixels.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred @ centred.T / centred.shape[1])
    drawn = strength * torch.randn(len(pictures), len(values)).to(pictures)
    shift = (drawn * values.clamp_min(0)) @ vectors.T
    changed: Tensor = pictures + shift[:, :, None, None]
    return changed


def _partner(pictures: Tensor) -> tuple[Tensor, Tensor]:
    return pictures, pictures[torch.randperm(len(pictures)).to(pictures.device)]


def _share(count: int, strength: float) -> Tensor:
    """Draw the weight of a picture's own pixels from Beta(a + 1, a).

    Mixup draws from Beta(a, a) and mixes the labels too. With the picture's own label kept, this distribution gives the
    same expected gradient (Huszár 2017).
    """
    return torch.distributions.Beta(strength + 1, strength).sample((count,))


def mixup(pictures: Tensor, strength: float) -> Tensor:
    """Mix every picture with another of the batch (Zhang et al. 2018), and keep its own label."""
    own, other = _partner(pictures)
    share = _share(len(pictures), strength).to(pictures).view(-1, 1, 1, 1)
    mixed: Tensor = share * own + (1 - share) * other
    return mixed


def cutmix(pictures: Tensor, strength: float) -> Tensor:
    """Replace a box of every picture by that of another (Yun et al. 2019), and keep its own label."""
    own, other = _partner(pictures)
    height, width = pictures.shape[2:]
    side = (1 - _share(len(pictures), strength)).sqrt()
    y, x = ((torch.rand(len(pictures)) - 0.5) * (1 - side) + 0.5 for _ in range(2))
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    inside_y = (rows - y[:, None]).abs() < side[:, None] / 2
    inside_x = (columns - x[:, None]).abs() < side[:, None] / 2
    inside = (inside_y[:, None, :, None] & inside_x[:, None, None, :]).to(pictures.device)
    return torch.where(inside, other, own)


COLOURS: dict[str, tuple[Change, float]] = {
    "blur": (blur, 1.0),
    "colour": (colour, 0.2),
    "saturation": (saturation, 0.4),
    "pca_colour": (pca_colour, 0.1),
    "mixup": (mixup, 0.2),
    "cutmix": (cutmix, 1.0),
}
