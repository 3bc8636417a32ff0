"""Probe: what the network is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from torch import nn

from trainwell.core.moment import Moment
from trainwell.probes.sizes import mean_and_std


@final
class Inputs:
    """Writes `input/mean`, `input/std` and `input/nonfinite_fraction` of the batch; nothing for whole numbers."""

    def arm(self, model: nn.Module) -> None:
        """Need no preparation."""

    def disarm(self) -> None:
        """Need no clearing up."""

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Measure the batch the network saw."""
        given = moment.batch.inputs.detach()
        if not given.is_floating_point() or not given.numel():
            return {}
        mean, spread = torch.stack(mean_and_std(given)).tolist()
        # A sum is finite only if all its parts are, so that they need not be counted.
        bad = 0.0 if math.isfinite(mean) else 1.0 - torch.isfinite(given).float().mean().item()
        return {"input/mean": mean, "input/std": spread, "input/nonfinite_fraction": bad}
