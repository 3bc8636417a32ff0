"""Probe: statistics of the network's inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch

from trainwell.core.contracts.moment import Moment
from trainwell.probes.sizes import mean_and_std

_ROWS = 32  # enough to see that examples differ
_FEWEST_NUMBERS = 64  # of a single example, from which its standard deviation says something about the inputs


@final
class Inputs:
    """Writes `input/mean|std|example_range|nonfinite_fraction` of the batch; nothing for integer inputs.

    `input/std` is left out for a single example of few numbers. `input/example_range` is the largest difference
    between the first example of the batch and the next 31.
    """

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Measure the batch of this step."""
        given = moment.batch.inputs.detach()
        if not given.is_floating_point() or not given.numel():
            return {}
        mean, spread = torch.stack(mean_and_std(given)).tolist()
        # A sum is finite only if all its parts are, so that they need not be counted.
        bad = 0.0 if math.isfinite(mean) else 1.0 - torch.isfinite(given).float().mean().item()
        measured = {"input/mean": mean, "input/nonfinite_fraction": bad}
        if len(given) > 1 or given.numel() >= _FEWEST_NUMBERS:
            measured["input/std"] = spread
        if given.ndim > 1 and len(given) > 1 and bad == 0:
            rows = given[:_ROWS]
            measured["input/example_range"] = float((rows - rows[:1]).abs().amax())
        return measured
