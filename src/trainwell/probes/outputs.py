"""Probe: the loss of the step and what the network answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import nn

from trainwell.core.moment import Moment


@final
class Outputs:
    """Writes `loss/train`, `output/mean` and `output/std`.

    `output/std` is the standard deviation *between the examples* of a batch, averaged over the output's
    numbers: 0 means that the network answers the same to everything. A batch of one example has none.
    """

    def arm(self, model: nn.Module) -> None:
        """Need no preparation."""

    def disarm(self) -> None:
        """Need no clearing up."""

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Read the loss and measure the outputs."""
        measured = {"loss/train": moment.loss.detach().float()}
        outputs = moment.outputs.detach()
        if outputs.is_floating_point() and outputs.ndim > 0 and len(outputs) > 1:
            spread, mean = torch.std_mean(outputs.float(), dim=0, correction=0)
            measured |= {"output/mean": mean.mean(), "output/std": spread.mean()}
        numbers: list[float] = torch.stack(list(measured.values())).tolist()
        return dict(zip(measured, numbers, strict=True))
