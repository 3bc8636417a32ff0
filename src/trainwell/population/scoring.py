"""Scores of many networks on one validation part, computed for all of them at once where the task allows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.data.batches import ArrayBatches
from trainwell.fitting.build import EVALUATION_BATCH
from trainwell.population.folds import Fold
from trainwell.population.gradients import cross_entropy
from trainwell.population.sequential import Outcome
from trainwell.tasks import Task
from trainwell.tasks.confusion import Confusion

# From inputs (B, ...) to the outputs of W networks, (W, B, ...).
Forward = Callable[[Tensor], Tensor]
_NUMBERS = 1 << 20  # of inputs in a batch for all members: what is computed from them stays near the caches


def score_fold(forward: Forward, fold: Fold, tasks: Sequence[Task], smoothing: Tensor) -> list[Outcome]:
    """Score W networks on a fold's validation part.

    Args:
        forward: computes the outputs of all of them.
        fold: the data.
        tasks: one for each network; they differ in label smoothing at most.
        smoothing: (W,) of each.
    Returns:
        an outcome for each network, "loss" among its scores.
    """
    tallies = [task.tally() for task in tasks]
    totals = torch.zeros(len(tallies), dtype=torch.float64)
    one = math.prod(fold.input_shape) * len(tasks)
    size = max(64, min(EVALUATION_BATCH, _NUMBERS // max(one, 1)))
    batches = ArrayBatches(fold.tensors, indices=fold.splits.validation, batch_size=size)
    with torch.no_grad():
        for batch in batches.epoch(0):
            outputs = forward(batch.inputs)
            if tasks[0].name == "classify":
                totals += cross_entropy(outputs, batch.targets, smoothing).double() * len(batch)
                _count([tally for tally in tallies if isinstance(tally, Confusion)], outputs, batch)
                continue
            for row, tally in enumerate(tallies):
                tally.add(outputs[row], batch)
                totals[row] += tasks[row].loss(outputs[row], batch).double() * len(batch)
    means = (totals / len(fold.splits.validation)).tolist()
    return [
        Outcome({"loss": mean, **tally.scores()})
        if math.isfinite(mean)
        else Outcome({}, f"The validation loss became {mean}.")
        for tally, mean in zip(tallies, means, strict=True)
    ]


def _count(tallies: Sequence[Confusion], outputs: Tensor, batch: Batch) -> None:
    """Add a batch to every network's confusion matrix: one count over (network, true class, predicted class)."""
    members, _, classes = outputs.shape
    cells = classes * classes
    pairs = batch.targets.long() * classes + outputs.argmax(dim=2)
    numbered = pairs + cells * torch.arange(members).unsqueeze(1)
    counts = torch.bincount(numbered.flatten(), minlength=members * cells).reshape(members, classes, classes)
    for tally, matrix in zip(tallies, counts.numpy(), strict=True):
        tally.matrix += matrix
