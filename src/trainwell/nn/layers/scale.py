"""Multiplication by a constant."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class Scale(nn.Module):
    """factor * x. Before the last layer it keeps the initial logits small, so the initial loss is near chance level.

    Args:
        factor: the constant.

    >>> import torch
    >>> Scale(0.125)(torch.tensor([[8.0, -4.0]])).tolist()
    [[1.0, -0.5]]
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return x * self.factor

    def extra_repr(self) -> str:
        """Return the factor, for printing."""
        return f"{self.factor}"
