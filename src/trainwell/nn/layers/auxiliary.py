"""Networks with auxiliary heads: classifiers on intermediate layers, used in training only."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class AuxiliaryHeads(nn.Module):
    """A sequence of modules with a head, and auxiliary heads on the outputs of some of the modules.

    `forward` returns the main head's outputs only. The auxiliary heads, in `auxiliary`, run in train mode only; the
    task adds their losses, times `auxiliary_weight`.

    Args:
        body: name to module, in order.
        heads: name of a module to the auxiliary head that reads its output.
        head: the last, fully connected layer.
        dropout: probability of dropping an input of the head.
        auxiliary_weight: weight of the auxiliary losses in the total loss.
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
