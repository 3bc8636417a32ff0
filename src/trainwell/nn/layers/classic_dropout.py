"""Dropout as first published: units are dropped in training and scaled down at prediction."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError


@final
class ClassicDropout(nn.Module):
    """Drop units with probability p in training, and multiply all by 1 - p at prediction (Srivastava et al. 2014).

    Inverted dropout (`torch.nn.Dropout`) divides by 1 - p in training instead and is the identity at prediction;
    either way the expected training output equals the output at prediction.

    Args:
        p: probability of dropping a unit, in [0, 1).
    Shapes:
        any, unchanged.
    Raises:
        UsageError: if p is not in [0, 1).

    >>> ClassicDropout(0.25).eval()(torch.ones(2))
    tensor([0.7500, 0.7500])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise UsageError(f"The probability of dropout must be at least 0 and less than 1, got {p}.")
        self.p = p

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs, masked in training and scaled at prediction."""
        if not self.training:
            return inputs * (1 - self.p)
        return inputs * (torch.rand_like(inputs) >= self.p)

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}"
