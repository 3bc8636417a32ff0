"""Averaged weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import torch
from torch import nn


@final
class Average:
    """Exponential moving average of the weights (Polyak and Juditsky 1992; decay as in Tarvainen and Valpola 2017).

    The decay rises with the number of steps n, min(decay, (1 + n) / (10 + n)), so that early weights are forgotten.

    Args:
        model: the network whose weights are averaged.
        decay: weight of the old average in a step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        floats = (tensor for tensor in model.state_dict().values() if tensor.is_floating_point())
        self._live = list({tensor.data_ptr(): tensor for tensor in floats}.values())  # tied weights once
        self.weights = [tensor.detach().clone() for tensor in self._live]
        self._decay = decay

    def update(self, step: int) -> None:
        """Move the average towards the weights after step number `step`."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.weights, [tensor.detach() for tensor in self._live], 1 - decay)

    def swap(self) -> None:
        """Swap the network's weights and their average; a second call swaps them back."""
        with torch.no_grad():
            for live, average in zip(self._live, self.weights, strict=True):
                held = live.clone()
                live.copy_(average)
                average.copy_(held)


@contextmanager
def averaged_weights(average: Average | None) -> Iterator[None]:
    """Use the averaged weights inside the block, if there are any, and restore the current ones afterwards."""
    if average is None:
        yield
        return
    average.swap()
    try:
        yield
    finally:
        average.swap()
