"""Multi-class classification: one class out of several, by softmax and cross-entropy (curriculum A3)."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks.confusion import Confusion
from trainwell.tasks.task import Prediction, Task


@final
class Classify(Task):
    """One class out of `classes`, from unnormalised outputs (logits).

    The gradient with respect to the logits is softmax(logits) - onehot(target).

    Args:
        classes: how many classes there are.
        label_smoothing: share of each label spread over all classes (Szegedy et al. 2016, section 7).

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([0])})
    >>> Classify(classes=2).loss(torch.zeros(1, 2), batch)
    tensor(0.6931)
    """

    name = "classify"
    main_score = "accuracy"

    def __init__(self, *, classes: int, label_smoothing: float = 0.0) -> None:
        self.classes = classes
        self.label_smoothing = label_smoothing

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats, 0-d.

        Args:
            outputs: (batch, classes) float logits.
            batch: targets (batch,) int in [0, classes).
        """
        if batch.weights is not None:
            return super().loss(outputs, batch)
        self._check(outputs, batch)
        return F.cross_entropy(outputs, batch.targets, label_smoothing=self.label_smoothing)

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of each example in nats, (batch,)."""
        self._check(outputs, batch)
        return F.cross_entropy(outputs, batch.targets, label_smoothing=self.label_smoothing, reduction="none")

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the entropy of the class shares in nats: ln C for balanced classes.

        >>> round(Classify(classes=2).chance_loss(np.array([0, 1, 0, 1])), 4)
        0.6931
        """
        shares = np.bincount(targets, minlength=self.classes) / len(targets)
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())

    def tally(self) -> Confusion:
        """Return an empty confusion matrix."""
        return Confusion(self.classes)

    def predict(self, outputs: Tensor) -> Prediction:
        """Return the most probable class of each example with its probability."""
        probabilities = torch.softmax(outputs.double(), dim=1)
        confidence, values = probabilities.max(dim=1)
        return Prediction(values.cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())

    def _check(self, outputs: Tensor, batch: Batch) -> None:
        if outputs.ndim != 2 or outputs.shape[1] != self.classes or len(outputs) != len(batch):
            raise ShapeError(
                f"The network must return (batch, classes) = ({len(batch)}, {self.classes}) numbers, "
                f"got {tuple(outputs.shape)}. Give its last layer {self.classes} outputs."
            )
