"""Networks with auxiliary heads: classifiers half-way that only help to train."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class Aided(nn.Module):
    """A row of modules and a head; in training auxiliary heads look at what some of the modules return.

    `forward` returns the main head's outputs only. The auxiliary heads, in `auxiliary`, are called in training mode and
    not otherwise; whoever computes the loss adds theirs, times `auxiliary_weight`.

    Args:
        body: name to module, in order.
        heads: name of a module to the auxiliary head that looks at what it returns.
        head: the last, fully connected layer.
        dropout: probability of dropping an input of it.
        auxiliary_weight: share of the auxiliary heads' losses in the whole.
    """

    def __init__(
        self, body: nn.Sequential, heads: nn.ModuleDict, *, head: nn.Linear, dropout: float, auxiliary_weight: float
    ) -> None:
        super().__init__()
        self.body = body
        self.auxiliary = heads
        self.auxiliary_weight = auxiliary_weight
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, channels, height, width) to (batch, outputs)."""
        for name, module in self.body.named_children():
            x = module(x)
            if self.training and name in self.auxiliary:
                self.auxiliary[name](x)
        logits: Tensor = self.head(self.dropout(self.flatten(self.average(x))))
        return logits
