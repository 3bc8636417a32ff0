"""Probe: norms of the gradients, in total and of each parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from trainwell.core.contracts.moment import Moment
from trainwell.probes.sizes import norms


@final
class Gradients:
    """Writes `grad/norm`, `grad/norm/<parameter>` and `grad/mean_abs/<parameter>`.

    Only parameters that require a gradient are measured; one that received none counts as 0.
    `grad/nonfinite_fraction`, the share of NaN and infinite entries, is written only when the norm is not finite.
    """

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Measure the gradients of this step."""
        parameters = [(name, p) for name, p in moment.model.named_parameters() if p.requires_grad]
        found = {name: _dense(p.grad) for name, p in parameters if p.grad is not None}
        gradients = list(found.values())
        measured = {f"grad/norm/{name}": 0.0 for name, _ in parameters}
        measured |= {f"grad/mean_abs/{name}": 0.0 for name, _ in parameters}
        if not gradients:
            return {"grad/norm": 0.0, **measured}
        numbers: list[float] = torch.stack([*norms(gradients), *norms(gradients, order=1)]).tolist()
        euclidean = numbers[: len(found)]
        absolute = numbers[len(found) :]
        for (name, gradient), norm, total in zip(found.items(), euclidean, absolute, strict=True):
            measured[f"grad/norm/{name}"] = norm
            measured[f"grad/mean_abs/{name}"] = total / max(1, gradient.numel())
        norm = math.sqrt(sum(value * value for value in euclidean))
        if not math.isfinite(norm):
            bad = sum(int((~torch.isfinite(gradient)).sum()) for gradient in gradients)
            measured["grad/nonfinite_fraction"] = bad / sum(gradient.numel() for gradient in gradients)
        return {"grad/norm": norm, **measured}


def _dense(gradient: Tensor) -> Tensor:
    gradient = gradient.detach()
    return gradient.coalesce().values() if gradient.is_sparse else gradient
