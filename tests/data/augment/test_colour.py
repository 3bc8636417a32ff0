"""Changes of colour and mixtures [B6]."""

from __future__ import annotations

import sys

import pytest
import torch

from trainwell.core.errors import MissingExtraError
from trainwell.data.augment.colour import COLOURS, blur, cutmix, mixup, pca_colour, saturation


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.default_generator.manual_seed(0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", COLOURS)
def test_shapes_stay_and_images_differ(name: str, channels: int) -> None:
    if name in ("blur", "colour", "saturation"):
        pytest.importorskip("kornia")
    change, strength = COLOURS[name]
    images = torch.rand(8, channels, 12, 14)
    changed = change(images, strength)
    assert changed.shape == images.shape and torch.isfinite(changed).all()
    if name != "saturation" or channels == 3:
        assert (changed != images).flatten(1).any(dim=1).sum() >= 5


def test_blurring_keeps_the_mean_and_lowers_the_deviation() -> None:
    pytest.importorskip("kornia")
    images = torch.rand(8, 1, 30, 30)
    blurred = blur(images, 1.5)
    assert (blurred.flatten(1).std(dim=1) < images.flatten(1).std(dim=1)).all()
    torch.testing.assert_close(blurred.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)), atol=0.01, rtol=0)


def test_grey_stays_grey_under_saturation() -> None:
    pytest.importorskip("kornia")
    grey = torch.rand(4, 1, 5, 5).expand(-1, 3, -1, -1)
    torch.testing.assert_close(saturation(grey, 0.5), grey, atol=1e-5, rtol=0)


def test_pca_colour_moves_along_the_main_colour() -> None:
    amount = torch.randn(64, 1, 6, 6)
    images = 0.5 + 0.2 * amount * torch.tensor([3.0, 2.0, 1.0]).view(1, 3, 1, 1)
    shift = (pca_colour(images, 0.1) - images)[:, :, 0, 0]
    direction = shift / shift.norm(dim=1, keepdim=True)
    torch.testing.assert_close(
        direction.abs(), (torch.tensor([3.0, 2.0, 1.0]) / 14**0.5).expand(64, -1), atol=1e-3, rtol=0
    )


def test_mixtures_keep_most_of_the_image_whose_label_they_keep() -> None:
    images = torch.arange(256.0).view(-1, 1, 1, 1).expand(-1, 1, 16, 16)
    mixed = mixup(images, 1.0)
    own = torch.arange(256.0)
    assert ((mixed[:, 0, 0, 0] >= 0) & (mixed[:, 0, 0, 0] <= 255)).all()
    shares = (cutmix(images, 1.0)[:, 0] == own.view(-1, 1, 1)).float().mean(dim=(1, 2))
    assert shares.mean().item() == pytest.approx(2 / 3, abs=0.06)  # the mean of Beta(2, 1)


def test_without_kornia_it_says_which_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "kornia", None)
    with pytest.raises(MissingExtraError, match=r"trainwell\[vision\]"):
        blur(torch.rand(1, 1, 5, 5), 1.0)
