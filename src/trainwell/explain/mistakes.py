"""The examples with the largest loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trainwell.core.contracts.outputs import take_rows
from trainwell.core.contracts.protocols import Batches
from trainwell.core.contracts.task import Task
from trainwell.core.modes import evaluation_mode


@dataclass(frozen=True)
class Mistake:
    """One example with its prediction and loss.

    Args:
        position: index of the example in the order of the batches.
        loss: its loss, in the task's unit.
        predicted: what the network predicts, an element of `Prediction.values`.
        confidence: probability of the predicted class; None where the task has none.
    """

    position: int
    loss: float
    predicted: Any
    confidence: float | None


def worst_mistakes(
    model: nn.Module, task: Task, *, batches: Batches, count: int = 20, device: torch.device | str = "cpu"
) -> list[Mistake]:
    """Return the examples with the largest losses, worst first.

    Wrong labels, damaged examples and similar classes are found here first. NaN counts as the largest loss; of equal
    losses the earlier example comes first.

    Args:
        model: the network; its modes are restored.
        task: forward and the loss of each example.
        batches: the split, whose order gives the positions.
        count: largest number of examples to return.
        device: device of the network.
    """
    worst: list[Mistake] = []
    position = 0
    with evaluation_mode(model), torch.no_grad():
        for fetched in batches.epoch(0):
            batch = fetched.to(device)
            outputs = task.forward(model, batch)
            losses = task.example_loss(outputs, batch).float().nan_to_num(nan=float("inf"))
            chosen = losses.argsort(descending=True, stable=True)[:count]
            found = task.predict(take_rows(outputs, chosen))
            confidences = [None] * len(chosen) if found.confidence is None else found.confidence.tolist()
            worst += [
                Mistake(position + place, loss, predicted, confidence)
                for place, loss, predicted, confidence in zip(
                    chosen.tolist(), losses[chosen].tolist(), found.values, confidences, strict=True
                )
            ]
            worst = sorted(worst, key=lambda mistake: -mistake.loss)[:count]
            position += len(batch)
    return worst
