"""Probe: norms of the weights, and whether units have identical initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from trainwell.core.contracts.moment import Moment
from trainwell.probes.sizes import norms

_EARLY_READINGS = 6


@final
class Weights:
    """Writes `weight/norm/<parameter>`, and early in a run `weight/row_spread/<parameter>`.

    The row spread of a matrix or filter bank is the largest absolute difference between its rows (units): 0 means that
    all units compute the same. It is measured at the first six readings only: symmetry that training breaks at once is
    harmless, and symmetry that survives does not go away.
    """

    def __init__(self) -> None:
        self._readings = 0

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Measure the weights before the update of this step."""
        weights = {name: p.detach() for name, p in moment.model.named_parameters() if p.requires_grad}
        if not weights:
            return {}
        measured: dict[str, Tensor] = dict(
            zip((f"weight/norm/{name}" for name in weights), norms(list(weights.values())), strict=True)
        )
        if self._readings < _EARLY_READINGS:
            measured |= {
                f"weight/row_spread/{name}": _row_spread(weight)
                for name, weight in weights.items()
                if weight.ndim > 1 and len(weight) > 1
            }
        self._readings += 1
        numbers: list[float] = torch.stack(list(measured.values())).tolist()
        return dict(zip(measured, numbers, strict=True))


def _row_spread(weight: Tensor) -> Tensor:
    return (weight.flatten(1) - weight[:1].flatten(1)).abs().max().float()
