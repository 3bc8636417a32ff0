"""Pixels to floats, batch by batch, for data too large to keep as floats."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from trainwell.core.batch import Batch


@final
class Normalise:
    """Convert uint8 images (B, H, W, C) to inputs of the network, (B, C, H, W): `raw * scale + shift`.

    Equal to `Preparation.inputs` bit for bit.

    Args:
        scale: (C,) scale of each channel.
        shift: (C,) shift of each channel.
    """

    def __init__(self, scale: NDArray[np.float32], shift: NDArray[np.float32]) -> None:
        self._scale = torch.from_numpy(scale).reshape(-1, 1, 1)
        self._shift = torch.from_numpy(shift).reshape(-1, 1, 1)

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with float inputs."""
        floats = batch.inputs.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        return batch.replace(inputs=floats.mul_(self._scale).add_(self._shift))
