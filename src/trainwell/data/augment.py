"""Random shifts and mirrorings of whole batches, on the training device, that leave labels true."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch


@final
class Augment:
    """Shift and mirror every picture of a batch by draws of its own.

    All draws come from torch's default generator of the CPU, whatever the device, so that a seed gives the same
    pictures everywhere: first the vertical shifts, then the horizontal ones, then the mirrorings.

    Args:
        shift: pictures move by up to this many pixels each way; what comes in is 0, which is the mean once inputs
            are standardised (He et al. 2015 pad CIFAR by 4).
        flip: mirror left and right with probability 1/2; only where mirrored objects keep their name.

    >>> batch = Batch({"inputs": torch.arange(6.0).reshape(1, 1, 2, 3), "targets": torch.zeros(1)})
    >>> _ = torch.default_generator.manual_seed(0)
    >>> Augment(shift=1, flip=False)(batch).inputs
    tensor([[[[0., 3., 4.],
              [0., 0., 0.]]]])
    """

    def __init__(self, *, shift: int = 0, flip: bool = False) -> None:
        self.shift = shift
        self.flip = flip

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with new inputs, (B, C, H, W), and everything else as it was."""
        if not (self.shift or self.flip):
            return batch
        return batch.replace(inputs=self._move(batch.inputs))

    def _move(self, pictures: Tensor) -> Tensor:
        """Gather each output pixel from the padded picture: one pass does shift and flip."""
        count, channels, height, width = pictures.shape
        down, right = (torch.randint(0, 2 * self.shift + 1, (count, 1)) for _ in range(2))
        columns = torch.arange(width).expand(count, width)
        if self.flip:
            mirrored = torch.rand(count, 1) < 0.5
            columns = torch.where(mirrored, width - 1 - columns, columns)
        rows = (torch.arange(height) + down) * (width + 2 * self.shift)
        pixels = (rows[:, :, None] + (columns + right)[:, None, :]).reshape(count, 1, height * width)
        padded = F.pad(pictures, (self.shift,) * 4).flatten(2)
        moved = padded.gather(2, pixels.to(pictures.device).expand(count, channels, height * width))
        return moved.view(count, channels, height, width)
