"""Test-time augmentation: ten crops of an image at several scales, their predictions averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor
from torch.nn import functional as F

from trainwell.core.contracts.outputs import Outputs
from trainwell.core.contracts.task import Task
from trainwell.core.errors import UsageError
from trainwell.data.augment.geometry import CUT

# Short sides of GoogLeNet (Szegedy et al. 2015) and one in between: a crop is 224 of them, scaled to the image.
SCALES = (256, 288, 320, 352, 384)


def ten_crops(images: Tensor, scales: tuple[int, ...] = SCALES) -> Iterator[Tensor]:
    """Yield the corners and the centre of images at each scale, and their mirror images, enlarged to full size.

    Args:
        images: (B, C, H, W).
        scales: short sides L; a crop is 224 / L of the image.

    >>> import torch
    >>> crops = list(ten_crops(torch.zeros(1, 3, 32, 32)))
    >>> len(crops), crops[0].shape
    (50, torch.Size([1, 3, 32, 32]))
    """
    height, width = images.shape[2:]
    for scale in scales:
        rows = max(1, round(height * CUT / scale))
        columns = max(1, round(width * CUT / scale))
        down = height - rows
        right = width - columns
        for top, left in ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)):
            cut = images[:, :, top : top + rows, left : left + columns]
            whole = F.interpolate(cut, size=(height, width), mode="bilinear", align_corners=False, antialias=False)
            yield whole
            yield whole.flip(3)


def averaged(model: Callable[[Tensor], Outputs], images: Tensor, *, task: Task, crops: int) -> Outputs:
    """Return outputs whose probabilities (or numbers) are the mean over the crops, see `Task.average`.

    Args:
        model: inputs to outputs.
        images: (B, C, H, W).
        task: averages the outputs.
        crops: 1 (the image itself), 10 (one scale) or 50 (five scales).
    Raises:
        UsageError: for another number of crops, or inputs that are not images.
    """
    if crops not in (1, 10, 50):
        raise UsageError(f"--crops must be 1, 10 (corners, centre, mirrored) or 50 (at five scales), got {crops}.")
    if crops == 1:
        return model(images)
    if images.ndim != 4:
        raise UsageError(f"--crops applies to images, got inputs of {images.ndim - 1} axes. Omit the option.")
    return task.average([model(part) for part in ten_crops(images, SCALES[:1] if crops == 10 else SCALES)])
