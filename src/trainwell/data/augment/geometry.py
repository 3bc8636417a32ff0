"""Geometric transforms of images, composed into one resampling per batch; boxes and points move with the pixels.

Every transform maps an output pixel to its sampling position. Coordinates run from -1 to 1 between the outer edges
of the image. Affine transforms are 3 x 3 matrices that multiply; non-linear ones (lens, elastic) add a displacement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import DataError

Matrix = Callable[[int, float, tuple[int, int]], Tensor]

# VGG (Simonyan and Zisserman 2015) crops 224 pixels from an image whose short side is 256 to 480 (there: 512).
CUT = 224
SHORTEST = 256
LONGEST = 480
_SMOOTH = 8.0  # an elastic field is smooth over an eighth of the side (Simard, Steinkraus and Platt 2003: 4 of 29)
_ROUNDS = 20  # of the fixed-point iteration that inverts a non-linear transform for points


def _uniform(count: int, low: float, *, high: float) -> Tensor:
    return low + (high - low) * torch.rand(count)


def _signs(count: int) -> Tensor:
    return torch.where(torch.rand(count) < 0.5, -1.0, 1.0)


def _matrix(count: int, x: Tensor | float = 1.0, *, y: Tensor | float = 1.0) -> Tensor:
    """Return scalings by x and y, (count, 3, 3)."""
    matrix = torch.eye(3).repeat(count, 1, 1)
    matrix[:, 0, 0] = x
    matrix[:, 1, 1] = y
    return matrix


def flip(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Mirror horizontally with probability 1/2."""
    return _matrix(count, x=_signs(count))


def flip_vertical(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Mirror vertically with probability 1/2."""
    return _matrix(count, y=_signs(count))


def translate(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Shift by up to `strength` whole pixels each way."""
    matrix = _matrix(count)
    for axis, pixels in ((0, size[1]), (1, size[0])):
        steps = torch.randint(-round(strength), round(strength) + 1, (count,))
        matrix[:, axis, 2] = steps * 2.0 / pixels
    return matrix


def rotate(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Rotate by up to `strength` degrees."""
    angle = _uniform(count, -strength, high=strength) * math.pi / 180
    matrix = _matrix(count, angle.cos(), y=angle.cos())
    aspect = size[0] / size[1]
    matrix[:, 0, 1] = -angle.sin() * aspect
    matrix[:, 1, 0] = angle.sin() / aspect
    return matrix


def stretch(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Scale each side independently by up to this fraction."""
    most = math.log1p(strength)
    return _matrix(count, _uniform(count, -most, high=most).exp(), y=_uniform(count, -most, high=most).exp())


def shear(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Shear by up to `strength` degrees."""
    matrix = _matrix(count)
    matrix[:, 0, 1] = (_uniform(count, -strength, high=strength) * math.pi / 180).tan() * size[0] / size[1]
    return matrix


def crop(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Crop a square of `strength` pixels at a random position, enlarged to the size of the image."""
    side = round(strength)
    if side > min(size) or side < 1:
        raise DataError(
            f"A crop must fit into the images of {size[0]} x {size[1]} pixels, got {side}. Reduce it, or increase "
            "data.image_size."
        )
    return _cut(torch.full((count,), side / size[1]), torch.full((count,), side / size[0]))


def multi_crop(count: int, strength: float, size: tuple[int, int]) -> Tensor:
    """Crop 224 / L of the image at a random position, with L random between 256 and 480: multi-scale crops."""
    share = CUT / _uniform(count, SHORTEST, high=LONGEST)
    return _cut(share, share)


def _cut(x: Tensor, y: Tensor) -> Tensor:
    matrix = _matrix(len(x), x, y=y)
    matrix[:, 0, 2] = (1 - x) * _uniform(len(x), -1, high=1)
    matrix[:, 1, 2] = (1 - y) * _uniform(len(y), -1, high=1)
    return matrix


@dataclass(frozen=True)
class Warp:
    """The sampling positions of the pixels of a batch.

    Args:
        matrix: (B, 3, 3) affine transform, applied last.
        bend: (B,) strength of the lens: a displacement of bend r² along the radius.
        field: (B, 2, H, W) elastic displacement; None: none.
    """

    matrix: Tensor
    bend: Tensor
    field: Tensor | None = None

    @classmethod
    def none(cls, count: int) -> Warp:
        """Return the identity for `count` images."""
        return cls(torch.eye(3).repeat(count, 1, 1), torch.zeros(count))

    def to(self, device: torch.device) -> Warp:
        """Return the same transform on a device."""
        return Warp(self.matrix.to(device), self.bend.to(device), None if self.field is None else self.field.to(device))

    def then(self, matrix: Tensor) -> Warp:
        """Add an affine transform."""
        return replace(self, matrix=self.matrix @ matrix)

    def images(self, images: Tensor) -> Tensor:
        """Resample (B, C, H, W) bilinearly; pixels outside are 0, the mean of standardised inputs."""
        height, width = images.shape[2:]
        y, x = torch.meshgrid(*(_centres(side).to(images.device) for side in (height, width)), indexing="ij")
        here = torch.stack([x, y], dim=-1).reshape(1, -1, 2).expand(len(images), -1, 2)
        source = self._apply(here + self._displacement(here), self.matrix)
        grid = source.view(len(images), height, width, 2).to(images.dtype)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    def points(self, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Return where (B, K, 2) points x, y in pixels (0 is the centre of the first) move to.

        The inverse of the non-linear part is found by fixed-point iteration, exact to a thousandth of a pixel if it is
        mild.
        """
        scale = torch.tensor([size[1], size[0]], dtype=torch.float32, device=points.device)
        wanted = (2 * points.float() + 1) / scale - 1
        straight = self._apply(wanted, torch.linalg.inv(self.matrix))
        found = straight
        for _ in range(_ROUNDS if self.field is not None or bool(self.bend.any()) else 0):
            found = straight - self._displacement(found)
        return (((found + 1) * scale - 1) / 2).to(points.dtype)

    def boxes(self, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the bounding boxes of transformed (B, K, 4) boxes x0, y0, x1, y1 in pixels, clipped at the edges."""
        x0, y0, x1, y1 = (boxes.float() - 0.5).unbind(-1)  # edges lie half a pixel before the first centre
        corners = torch.stack([torch.stack([x, y], -1) for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))], dim=2)
        moved = self.points(corners.flatten(1, 2), size).view_as(corners) + 0.5
        edge = torch.tensor([size[1], size[0]], dtype=torch.float32, device=boxes.device)
        low, high = (torch.minimum(part.clamp_min(0), edge) for part in (moved.amin(2), moved.amax(2)))
        return torch.cat([low, high], dim=-1).to(boxes.dtype)

    def batch(self, batch: Batch) -> Batch:
        """Transform inputs, boxes and points of a batch together."""
        size = (batch.inputs.shape[2], batch.inputs.shape[3])
        changes = {"inputs": self.images(batch.inputs)}
        if "boxes" in batch:
            changes["boxes"] = self.boxes(batch["boxes"], size)
        if "points" in batch:
            changes["points"] = self.points(batch["points"], size)
        return batch.replace(**changes)

    def _displacement(self, at: Tensor) -> Tensor:
        moved = at * at.square().sum(-1, keepdim=True) * self.bend[:, None, None]
        if self.field is not None:
            picked = F.grid_sample(self.field, at[:, None], padding_mode="border", align_corners=False)
            moved = moved + picked[:, :, 0].transpose(1, 2)
        return moved

    @staticmethod
    def _apply(at: Tensor, matrix: Tensor) -> Tensor:
        return at @ matrix[:, :2, :2].transpose(1, 2) + matrix[:, None, :2, 2]


def elastic_field(count: int, strength: float, *, size: tuple[int, int]) -> Tensor:
    """Return smooth random displacements of about this fraction of the side, (count, 2, H, W)."""
    coarse = tuple(max(2, round(side / _SMOOTH) + 1) if side >= 16 else 3 for side in size)
    noise = torch.randn(count, 2, *coarse) * (2 * strength / math.sqrt(2))
    return F.interpolate(noise, size=size, mode="bicubic", align_corners=True)


def _centres(count: int) -> Tensor:
    return (2 * torch.arange(count) + 1) / count - 1


AFFINE: dict[str, tuple[Matrix, float]] = {
    "flip": (flip, 0.0),
    "flip_vertical": (flip_vertical, 0.0),
    "translate": (translate, 4.0),
    "rotate": (rotate, 15.0),
    "stretch": (stretch, 0.2),
    "shear": (shear, 10.0),
    "crop": (crop, 24.0),
    "multi_crop": (multi_crop, 0.0),
}
