"""Probe: how far one step moves each parameter, relative to its norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.contracts.moment import Moment
from trainwell.probes.sizes import norms

_TINY = 1e-12  # The norm of a parameter that is zero: its ratio is then huge, not undefined.


@final
class Updates:
    """Writes `update/ratio/<parameter>`: the norm of the last update over the norm of the parameter.

    A moment lies between the backward pass and the optimizer's step, so the weights are copied when the probe is
    prepared, at the moment before, and compared when it is read: in between lies exactly one step. The number at step
    k is thus the update that step k - 1 made. Healthy networks show 3e-4 to 2e-2 per weight matrix, typically 1e-3.

    Nothing is written if no parameter at all has moved: then no step was taken in between.
    """

    def __init__(self) -> None:
        self._before: list[Tensor] = []
        self._norms: list[Tensor] = []

    def prepare(self, model: nn.Module) -> None:
        """Copy the weights."""
        self._before = [p.detach().clone() for p in model.parameters() if p.requires_grad]
        self._norms = norms(self._before)

    def release(self) -> None:
        """Release the copy."""
        self._before = []
        self._norms = []

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Compare the weights with the copy and release it."""
        before = self._before
        self._before = []
        if not before:
            return {}
        after = {name: p.detach() for name, p in moment.model.named_parameters() if p.requires_grad}
        torch._foreach_sub_(before, list(after.values()))
        ratios: list[float] = (torch.stack(norms(before)) / torch.stack(self._norms).clamp(min=_TINY)).tolist()
        if not any(ratios):
            return {}
        return dict(zip((f"update/ratio/{name}" for name in after), ratios, strict=True))
