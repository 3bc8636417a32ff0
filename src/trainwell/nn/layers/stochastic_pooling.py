"""Stochastic pooling: one activation per window, drawn at random in proportion to its size."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@final
class StochasticPool2d(nn.Module):
    """Sample an activation of each window in training, return the expectation at prediction (Zeiler and Fergus 2013).

    Activation a of a window is drawn with probability a / sum a; the expectation is sum a**2 / sum a.
    Negative activations count as zero: use it after ReLU. The output for a window of zeros is zero.

    Args:
        size: side of the windows.
        stride: distance between windows; None: `size`.
        padding: zeros around the image, which are never drawn.
        ceil: whether an incomplete window at the border counts, as with torch's `ceil_mode`.
    Shapes:
        (batch, channels, height, width) to (batch, channels, (height + 2 padding - size) // stride + 1, ...).

    >>> StochasticPool2d(2).eval()(torch.tensor([[[[1.0, 1.0], [0.0, 2.0]]]]))
    tensor([[[[1.5000]]]])
    """

    def __init__(self, size: int = 2, *, stride: int | None = None, padding: int = 0, ceil: bool = False) -> None:
        super().__init__()
        self.size = size
        self.stride = stride or size
        self.padding = padding
        self.ceil = ceil

    def forward(self, images: Tensor) -> Tensor:
        """Return the pooled images."""
        batch, channels, height, width = images.shape
        (rows, below) = self._windows(height)
        (_, beside) = self._windows(width)
        single = F.pad(images.flatten(0, 1).unsqueeze(1).relu(), (0, beside, 0, below))
        windows = F.unfold(single, self.size, padding=self.padding, stride=self.stride)
        total = windows.sum(1, keepdim=True)
        shares = windows / total.clamp(min=torch.finfo(total.dtype).tiny)
        if self.training:
            # The first entry whose cumulative sum exceeds a uniform number is a sample (inverse transform sampling).
            passed = shares.cumsum(1) > torch.rand_like(total)
            pooled = windows.gather(1, passed.int().argmax(1, keepdim=True))
        else:
            pooled = (shares * windows).sum(1, keepdim=True)
        return pooled.view(batch, channels, rows, -1)

    def _windows(self, side: int) -> tuple[int, int]:
        """Return the number of windows along a side, and the zeros that complete the last one."""
        span = side + 2 * self.padding - self.size
        count = span // self.stride + 1
        # A window that begins in the padding after the image contains no pixel of it.
        more = self.ceil and span % self.stride > 0 and count * self.stride < side + self.padding
        return count + more, self.stride - span % self.stride if more else 0

    def extra_repr(self) -> str:
        """Show the size."""
        return f"size={self.size}, stride={self.stride}, padding={self.padding}"
