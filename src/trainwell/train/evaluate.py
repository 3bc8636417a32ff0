"""Exact scores of a split, from sums and counts and not from means of batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwell.core.contracts.protocols import Batches
from trainwell.core.contracts.task import Tally, Task
from trainwell.core.modes import evaluation_mode


def evaluate(
    model: nn.Module,
    task: Task,
    *,
    batches: Batches,
    device: torch.device | str = "cpu",
    check: Callable[[], None] = lambda: None,
) -> tuple[dict[str, float], Tally]:
    """Evaluate the network on a split, in eval mode.

    Args:
        model: the network; the mode of each of its modules is restored afterwards.
        task: forward, loss and tally.
        batches: the split.
        device: device of the network.
        check: called before each batch; raises to stop.
    Returns:
        the scores, including the mean "loss", and the tally.
    """
    tally = task.tally()
    total = torch.zeros((), dtype=torch.float64)
    whole = 0.0
    with evaluation_mode(model), torch.no_grad():
        for fetched in batches.epoch(0):
            check()
            batch = fetched.to(device)
            outputs = task.forward(model, batch)
            tally.add(outputs, batch)
            weight = task.weight(batch)
            total += task.loss(outputs, batch).double().cpu() * weight
            whole += weight
    return {"loss": total.item() / whole, **tally.scores()}, tally
