"""Movements of images, boxes and points [B6]."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.batch import Batch
from trainwell.core.errors import DataError
from trainwell.data.augment.geometry import AFFINE, Warp, elastic_field

SIZE = (40, 48)


def spots(points: torch.Tensor) -> torch.Tensor:
    """Draw a soft spot at each (B, K, 2) point, a channel each."""
    y, x = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    away = (x - points[..., 0, None, None]) ** 2 + (y - points[..., 1, None, None]) ** 2
    return torch.exp(-away / (2 * 2.0**2))


def seen(images: torch.Tensor) -> torch.Tensor:
    """Return the centre of mass of every channel."""
    y, x = torch.meshgrid(torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])), indexing="ij")
    mass = images.sum(dim=(2, 3)).clamp_min(1e-6)
    return torch.stack([(images * x).sum(dim=(2, 3)) / mass, (images * y).sum(dim=(2, 3)) / mass], dim=-1)


def drawn(name: str, count: int = 16) -> Warp:
    torch.default_generator.manual_seed(1)
    warp = Warp.none(count)
    if name == "lens":
        return Warp(warp.matrix, 0.2 * (2 * torch.rand(count) - 1))
    if name == "elastic":
        return Warp(warp.matrix, warp.bend, elastic_field(count, 0.02, size=SIZE))
    if name == "all":
        warp = Warp(warp.matrix, 0.1 * torch.rand(count), elastic_field(count, 0.01, size=SIZE))
        return warp.then(AFFINE["rotate"][0](count, 20.0, SIZE)).then(AFFINE["translate"][0](count, 3.0, SIZE))
    return warp.then(AFFINE[name][0](count, AFFINE[name][1], SIZE))


@pytest.mark.parametrize("name", [*AFFINE, "lens", "elastic", "all"])
def test_points_and_boxes_move_with_the_pixels(name: str) -> None:
    points = torch.tensor([[[20.0, 18.0], [27.0, 22.0], [24.0, 16.0]]]).repeat(16, 1, 1)
    warp = drawn(name)
    batch = Batch({"inputs": spots(points), "points": points, "targets": torch.zeros(16)})
    moved = warp.batch(batch)
    inside = ((moved["points"] > 6) & (moved["points"] < torch.tensor([42.0, 34.0]))).all(dim=-1)
    assert inside.sum() >= 3
    error = (seen(moved.inputs) - moved["points"]).norm(dim=-1)[inside]
    assert error.max() < (1.0 if name == "elastic" else 0.6)  # a bent spot is no longer round
    box = torch.tensor([[[18.5, 14.5, 28.5, 24.5]]]).repeat(16, 1, 1)
    boxes = warp.boxes(box, SIZE)
    outside = (moved["points"] < boxes[..., :2] - 1.5) | (moved["points"] > boxes[..., 2:] + 1.5)
    assert not (outside.any(dim=-1) & inside).any()
    assert (boxes[..., :2] >= 0).all() and (boxes[..., 2:] <= torch.tensor([48.0, 40.0])).all()


def test_nothing_moved_is_the_same_image() -> None:
    images = torch.randn(3, 2, *SIZE)
    torch.testing.assert_close(Warp.none(3).images(images), images, atol=1e-4, rtol=0)


def test_a_mirrored_box_and_a_shifted_one_are_exact() -> None:
    warp = Warp.none(2)
    warp.matrix[0, 0, 0] = -1.0
    warp.matrix[1, 0, 2] = 2 * 5 / 48
    boxes = warp.boxes(torch.tensor([[[3.0, 4.0, 10.0, 12.0]]] * 2), SIZE)
    torch.testing.assert_close(boxes[0], torch.tensor([[38.0, 4.0, 45.0, 12.0]]))
    torch.testing.assert_close(boxes[1], torch.tensor([[0.0, 4.0, 5.0, 12.0]]))


def test_multi_scale_crops_show_224_of_256_to_480() -> None:
    shares = AFFINE["multi_crop"][0](2000, 0.0, SIZE)[:, 0, 0]
    assert 224 / 480 <= shares.min() < 0.48 and 0.86 < shares.max() <= 224 / 256
    centre = AFFINE["multi_crop"][0](2000, 0.0, SIZE)
    assert ((centre[:, :2, 2].abs() + centre[:, 0, 0, None]) <= 1 + 1e-6).all()  # never beyond the edge


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(DataError, match="crop must fit into the images of 40 x 48 pixels, got 41"):
        AFFINE["crop"][0](1, 41.0, SIZE)
