"""Regression: one or several numbers, by squared error (curriculum A6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks.task import Prediction, Task


@final
class Regress(Task):
    """Numbers by mean squared error; the network learns standardised targets, scores are in the targets' own unit.

    Args:
        mean: mean of each target on the training split.
        deviation: standard deviation of each target on the training split.

    >>> import torch
    >>> batch = Batch({"inputs": torch.zeros(2, 3), "targets": torch.tensor([0.0, 2.0])})
    >>> Regress().loss(torch.zeros(2, 1), batch)
    tensor(2.)
    """

    name = "regress"
    main_score = "r2"

    def __init__(self, *, mean: Sequence[float] = (0.0,), deviation: Sequence[float] = (1.0,)) -> None:
        self.mean = tuple(mean)
        self.deviation = tuple(deviation)

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the squared error of each example, averaged over its numbers, (batch,)."""
        targets = batch.targets.to(outputs.dtype).reshape(len(batch), -1)
        if outputs.numel() != targets.numel():
            raise ShapeError(
                f"The network must return {targets.shape[1]} numbers per example, got {tuple(outputs.shape)} "
                f"for {len(batch)} examples. Give its last layer {targets.shape[1]} outputs."
            )
        return (outputs.reshape(targets.shape) - targets).square().mean(dim=1)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the variance of the targets, averaged over the numbers of an example.

        >>> Regress().chance_loss(np.array([0.0, 2.0]))
        1.0
        """
        return float(targets.reshape(len(targets), -1).astype(np.float64).var(axis=0).mean())

    def tally(self) -> RegressTally:
        """Return an empty tally."""
        return RegressTally(self)

    def predict(self, outputs: Tensor) -> Prediction:
        """Return the numbers in the targets' own unit."""
        values = self.original(outputs.double().cpu().numpy().reshape(len(outputs), -1))
        return Prediction(values[:, 0] if values.shape[1] == 1 else values)

    def original(self, standardised: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Map (n, k) standardised numbers back to the targets' own unit."""
        values: npt.NDArray[np.float64] = standardised * np.array(self.deviation) + np.array(self.mean)
        return values


@final
class RegressTally:
    """Predictions and targets of a split, in the targets' own unit."""

    def __init__(self, task: Regress) -> None:
        self._task = task
        self._outputs: list[npt.NDArray[Any]] = []
        self._targets: list[npt.NDArray[Any]] = []

    def add(self, outputs: Tensor, batch: Batch) -> None:
        """Take a batch of outputs."""
        size = len(batch)
        self._outputs.append(outputs.double().cpu().numpy().reshape(size, -1))
        self._targets.append(batch.targets.double().cpu().numpy().reshape(size, -1))

    def pairs(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (true, predicted), each (examples, numbers)."""
        original = self._task.original
        return original(np.concatenate(self._targets)), original(np.concatenate(self._outputs))

    def scores(self) -> dict[str, float]:
        """Return r2, mean_squared_error and mean_absolute_error, averaged over the numbers of an example."""
        true, predicted = self.pairs()
        squared = ((true - predicted) ** 2).mean(axis=0)
        variance = true.var(axis=0)
        # As scikit-learn: where the targets do not vary, a perfect answer scores 1 and any other 0.
        constant = (squared == 0).astype(np.float64)
        r2 = np.where(variance > 0, 1 - squared / np.where(variance > 0, variance, 1.0), constant)
        return {
            "r2": float(r2.mean()),
            "mean_squared_error": float(squared.mean()),
            "mean_absolute_error": float(np.abs(true - predicted).mean()),
        }
