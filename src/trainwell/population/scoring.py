"""Scores of many networks on the validation part of a fold, all at once where the task allows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from trainwell.data.batches import ArrayBatches
from trainwell.fitting.build import EVALUATION_BATCH
from trainwell.population.folds import Fold
from trainwell.population.result import ValidationResult
from trainwell.tasks import Task

# From inputs (B, ...) to the outputs of W networks, (W, B, ...).
Forward = Callable[[Tensor], Tensor]
_INPUTS = 1 << 20  # numbers in a batch, times networks: with more, activations leave the caches


def score_fold(
    forward: Forward, fold: Fold, *, tasks: Sequence[Task], settings: Mapping[str, Tensor]
) -> list[ValidationResult]:
    """Score W networks on a fold's validation part.

    Args:
        forward: computes the outputs of all of them.
        fold: the data.
        tasks: one for each network; they may differ in settings of the loss.
        settings: these settings by name, (W,) each.
    Returns:
        a result for each network, with "loss" among its scores.
    """
    tallies = [task.tally() for task in tasks]
    totals = torch.zeros(len(tallies), dtype=torch.float64)
    one = math.prod(fold.input_shape) * len(tasks)
    size = max(64, min(EVALUATION_BATCH, _INPUTS // max(one, 1)))
    batches = ArrayBatches(fold.tensors, indices=fold.splits.validation, batch_size=size)
    with torch.no_grad():
        for batch in batches.epoch(0):
            outputs = forward(batch.inputs)
            tasks[0].add_stacked(tallies, outputs, batch=batch)
            if tasks[0].takes_stacks:
                totals += tasks[0].functional_loss(outputs, batch.targets, settings=settings).double() * len(batch)
                continue
            for row, task in enumerate(tasks):
                totals[row] += task.loss(outputs[row], batch).double() * len(batch)
    means = (totals / len(fold.splits.validation)).tolist()
    return [
        ValidationResult({"loss": mean, **tally.scores()})
        if math.isfinite(mean)
        else ValidationResult({}, f"The validation loss became {mean}.")
        for tally, mean in zip(tallies, means, strict=True)
    ]
