"""The examples a network gets most wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trainwell.core.modes import evaluation_mode
from trainwell.core.outputs import take_rows
from trainwell.core.protocols import Batches
from trainwell.core.task import Task


@dataclass(frozen=True)
class Mistake:
    """One example and how wrong the network is about it.

    Args:
        position: place of the example in the order of the batches, from 0.
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

    Wrong labels, damaged examples and classes that look alike show up here first. A loss that is not a
    number counts as the worst of all; among equals the earlier example comes first.

    Args:
        model: the network; its modes are restored.
        task: forward and the loss of each example.
        batches: the split, whose order gives the positions.
        count: how many to return, at most.
        device: where the network is.
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
            sure = [None] * len(chosen) if found.confidence is None else found.confidence.tolist()
            worst += [
                Mistake(position + place, loss, predicted, confidence)
                for place, loss, predicted, confidence in zip(
                    chosen.tolist(), losses[chosen].tolist(), found.values, sure, strict=True
                )
            ]
            worst = sorted(worst, key=lambda mistake: -mistake.loss)[:count]
            position += len(batch)
    return worst
