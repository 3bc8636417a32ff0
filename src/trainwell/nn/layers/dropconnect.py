"""DropConnect: a fully connected layer that loses single connections instead of whole units."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError


@final
class DropConnect(nn.Module):
    """A linear layer each of whose weights is dropped with probability p, for each example anew (Wan et al. 2013).

    Kept weights are divided by 1 - p, so that the mean over masks equals the output at prediction, W x + b.

    Args:
        inputs: length of an input vector.
        outputs: length of an output vector.
        p: probability of dropping a weight, in [0, 1).
    Shapes:
        (batch, inputs) to (batch, outputs); training takes batch x outputs x inputs numbers of memory.
    Raises:
        UsageError: if p is no such probability.

    >>> DropConnect(3, 2, p=0.5).eval()(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, inputs: int, outputs: int, *, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise UsageError(f"The probability of DropConnect must be at least 0 and less than 1, got {p}.")
        self.p = p
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, with masks of their own for every example while training."""
        weight = self.linear.weight
        if not self.training or self.p == 0:
            return self.linear(inputs)  # type: ignore[no-any-return]
        kept = torch.rand(len(inputs), *weight.shape, device=weight.device) >= self.p
        scaled = (inputs / (1 - self.p)).unsqueeze(2)  # fewer numbers to divide than weights of all examples
        return torch.matmul(kept * weight, scaled).squeeze(2) + self.linear.bias

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}"
