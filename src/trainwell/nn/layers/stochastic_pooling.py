"""Stochastic pooling: a window passes on one of its activations, drawn in proportion to their size."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@final
class StochasticPool2d(nn.Module):
    """Pool by a draw while training, and by the draw's mean at prediction (Zeiler and Fergus 2013).

    Activation a of a window is drawn with probability a / sum; the mean of the draw is sum a**2 / sum a.
    Negative activations count as zero: put it behind a rectifier. A window of zeros passes on zero.

    Args:
        size: side of the windows.
        stride: distance between windows; None puts them side by side.
        padding: zeros around the image, which are never drawn.
        ceil: whether a rest at the border gets a window of its own, as torch's `ceil_mode`, or is left out.
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
            # Where the running sum first passes a uniform number, there lies a draw with these shares.
            passed = shares.cumsum(1) > torch.rand_like(total)
            pooled = windows.gather(1, passed.int().argmax(1, keepdim=True))
        else:
            pooled = (shares * windows).sum(1, keepdim=True)
        return pooled.view(batch, channels, rows, -1)

    def _windows(self, side: int) -> tuple[int, int]:
        """Return how many windows a side has, and the zeros that fill the last one up."""
        span = side + 2 * self.padding - self.size
        count = span // self.stride + 1
        # A window that would begin in the padding behind the image sees nothing of it.
        more = self.ceil and span % self.stride > 0 and count * self.stride < side + self.padding
        return count + more, self.stride - span % self.stride if more else 0

    def extra_repr(self) -> str:
        """Show the size."""
        return f"size={self.size}, stride={self.stride}, padding={self.padding}"
