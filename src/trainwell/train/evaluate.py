"""Scores over a whole split, exactly: sums and counts, never a mean of batch means."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwell.core.protocols import Batches, Tally, Task


def evaluate(
    model: nn.Module,
    task: Task,
    batches: Batches,
    *,
    device: torch.device | str = "cpu",
    check: Callable[[], None] = lambda: None,
) -> tuple[dict[str, float], Tally]:
    """Run a split through the network in eval mode and score it.

    Args:
        model: the network; its mode is restored afterwards.
        task: forward, loss and tally.
        batches: the split.
        device: where the network is.
        check: called before each batch; raises to break off.
    Returns:
        the scores, with the mean "loss" among them, and the tally they came from.
    """
    was_training = model.training
    model.eval()
    tally = task.tally()
    total = torch.zeros((), dtype=torch.float64)
    weight = 0.0
    try:
        with torch.no_grad():
            for fetched in batches.epoch(0):
                check()
                batch = fetched.to(device)
                outputs = task.forward(model, batch)
                tally.add(outputs, batch)
                total += task.loss(outputs, batch).double().cpu() * batch.weight()
                weight += batch.weight()
    finally:
        model.train(was_training)
    return {"loss": total.item() / weight, **tally.scores()}, tally
