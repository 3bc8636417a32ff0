"""Dropout for many networks: one random draw, thresholded by each network's own probability."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MemberDropout(nn.Module):
    """Dropout whose probability is a buffer, so that each member of a population has its own.

    All members threshold the same draw: the masks of each are random, they do not depend on the other members, and
    the draw is paid once.

    Args:
        p: probability of dropping a unit.
    """

    p: Tensor

    def __init__(self, p: float) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(float(p)))

    def forward(self, x: Tensor) -> Tensor:
        """Drop units in training mode and scale the others by 1 / (1 - p).

        Args:
            x: of any shape.
        Returns:
            of the same shape; x itself in evaluation mode.
        """
        if not self.training:
            return x
        kept = (torch.rand(x.shape, device=x.device) >= self.p).to(x.dtype)
        return x * kept / (1 - self.p)


def remove_dropout(model: nn.Module) -> None:
    """Replace the dropout layers of a network, in place: where no member uses them, their draws cost time."""
    for path, module in list(model.named_modules()):
        if isinstance(module, MemberDropout):
            owner, _, name = path.rpartition(".")
            setattr(model.get_submodule(owner), name, nn.Identity())
