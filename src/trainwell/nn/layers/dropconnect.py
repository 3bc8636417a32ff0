"""DropConnect: a fully connected layer that drops single weights instead of whole units."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError


@final
class DropConnect(nn.Module):
    """A linear layer whose weights are dropped with probability p, independently per example (Wan et al. 2013).

    Kept weights are divided by 1 - p, so that the expected output equals the output at prediction, W x + b.

    Args:
        inputs: length of an input vector.
        outputs: length of an output vector.
        p: probability of dropping a weight, in [0, 1).
    Shapes:
        (batch, inputs) to (batch, outputs); training needs memory for batch x outputs x inputs numbers.
    Raises:
        UsageError: if p is not in [0, 1).

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
        """Return the outputs; in training each example has its own mask."""
        weight = self.linear.weight
        if not self.training or self.p == 0:
            return self.linear(inputs)  # type: ignore[no-any-return]
        kept = torch.rand(len(inputs), *weight.shape, device=weight.device) >= self.p
        scaled = (inputs / (1 - self.p)).unsqueeze(
            2
        )  # dividing the inputs is cheaper than dividing the weights of every example
        return torch.matmul(kept * weight, scaled).squeeze(2) + self.linear.bias

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}"
