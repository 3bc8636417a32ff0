"""Probe: the loss of the step, its parts, and statistics of the network's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch

from trainwell.core.contracts.moment import Moment
from trainwell.core.contracts.outputs import main_output


@final
class Outputs:
    """Writes `loss/train`, `output/mean` and `output/std`; and `loss/part/*`, the parts of a loss that has several.

    The parts are those of the last micro-batch. Of several output tensors the main one is measured
    (`core/contracts/outputs.py`). `output/std` is the standard deviation *between the examples* of a batch, averaged
    over the numbers of an output: 0 means that the network predicts the same for every example. A batch of one example
    has none.
    """

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Read the loss and measure the outputs."""
        measured = {"loss/train": moment.loss.detach().float()}
        if moment.task is not None and moment.task.part_weights:
            with torch.no_grad():
                parts = moment.task.loss_parts(moment.outputs, moment.batch)
            measured |= {f"loss/part/{name}": part.float() for name, part in parts.items()}
        outputs = main_output(moment.outputs).detach()
        if outputs.is_floating_point() and outputs.ndim > 0 and len(outputs) > 1:
            spread, mean = torch.std_mean(outputs.float(), dim=0, correction=0)
            measured |= {"output/mean": mean.mean(), "output/std": spread.mean()}
        numbers: list[float] = torch.stack(list(measured.values())).tolist()
        return dict(zip(measured, numbers, strict=True))
