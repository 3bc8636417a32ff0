"""The examples a network gets most wrong."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from trainwell.core.protocols import Batches, Task
from trainwell.explain.evaluation import evaluation_mode


@dataclass(frozen=True)
class Mistake:
    """One example and how wrong the network is about it.

    Args:
        position: place of the example in the order of the batches, from 0.
        loss: its loss, in the task's unit.
        outputs: the network's raw answer to it.
    """

    position: int
    loss: float
    outputs: tuple[float, ...]


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
            answers = outputs[chosen].reshape(len(chosen), -1).tolist()
            worst += [
                Mistake(position + place, loss, tuple(answer))
                for place, loss, answer in zip(chosen.tolist(), losses[chosen].tolist(), answers, strict=True)
            ]
            worst = sorted(worst, key=lambda mistake: -mistake.loss)[:count]
            position += len(batch)
    return worst
