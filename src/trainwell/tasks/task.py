"""What every task must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from trainwell.core.batch import Batch
from trainwell.core.protocols import Tally

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a network's outputs mean.

    Args:
        values: (batch,) class numbers or (batch, ...) numbers in the target's own unit.
        confidence: (batch,) probability of the predicted class; None where the task has none.
        probabilities: (batch, classes) or None.
    """

    values: npt.NDArray[Any]
    confidence: Floats | None = None
    probabilities: Floats | None = None


class Task(ABC):
    """A task turns outputs into a loss, scores and predictions; it holds no network and no data."""

    name: str
    main_score: str

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the network's outputs for a batch; a network that needs the mask gets it as a second argument."""
        outputs: Tensor = model(batch.inputs) if batch.mask is None else model(batch.inputs, batch.mask)
        return outputs

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean of the examples' losses, weighted where the batch has weights; 0-d."""
        losses = self.example_loss(outputs, batch)
        if batch.weights is None:
            return losses.mean()
        return (losses * batch.weights).sum() / batch.weights.sum()

    @abstractmethod
    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each example, (batch,)."""

    @abstractmethod
    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the loss of the best constant prediction for these targets, in the unit of `loss`."""

    @abstractmethod
    def tally(self) -> Tally:
        """Return an empty tally of this task's scores."""

    @abstractmethod
    def predict(self, outputs: Tensor) -> Prediction:
        """Say what outputs mean."""
