"""Multi-label classification: any number of labels at once, one sigmoid each, never a softmax (curriculum A5)."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks.confusion import class_rows
from trainwell.tasks.task import Prediction, Task


@final
class Multilabel(Task):
    """Each of `labels` is present or not, from one logit each.

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([[1, 0, 1]])})
    >>> Multilabel(labels=3).loss(torch.zeros(1, 3), batch)
    tensor(0.6931)
    """

    name = "multilabel"
    main_score = "f1_macro"

    def __init__(self, *, labels: int) -> None:
        self.labels = labels

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of each example in nats, averaged over its labels, (batch,)."""
        if outputs.shape != batch.targets.shape:
            raise ShapeError(
                f"The network must return (batch, labels) = {tuple(batch.targets.shape)} numbers, "
                f"got {tuple(outputs.shape)}. Give its last layer {self.labels} outputs."
            )
        targets = batch.targets.to(outputs.dtype)
        return F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(dim=1)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the entropy of each label's share in nats, averaged over the labels."""
        share = targets.mean(axis=0, dtype=np.float64)
        both = np.stack([share, 1 - share])
        return float(-(both * np.log(np.where(both > 0, both, 1))).sum(axis=0).mean())

    def tally(self) -> MultilabelTally:
        """Return an empty tally."""
        return MultilabelTally(self.labels)

    def predict(self, outputs: Tensor) -> Prediction:
        """Return (batch, labels) zeros and ones, with their probabilities."""
        probabilities = torch.sigmoid(outputs.double()).cpu().numpy()
        return Prediction((probabilities > 0.5).astype(np.int64), probabilities=probabilities)


@final
class MultilabelTally:
    """Counts of right, missed and false labels, exact over a split."""

    def __init__(self, labels: int) -> None:
        self._right = np.zeros(labels, dtype=np.int64)
        self._true = np.zeros(labels, dtype=np.int64)
        self._predicted = np.zeros(labels, dtype=np.int64)
        self._exact = self._examples = 0

    def add(self, outputs: Tensor, batch: Batch) -> None:
        """Count a batch."""
        predicted, true = outputs > 0, batch.targets > 0
        self._right += (predicted & true).sum(dim=0).cpu().numpy()
        self._true += true.sum(dim=0).cpu().numpy()
        self._predicted += predicted.sum(dim=0).cpu().numpy()
        self._exact += int((predicted == true).all(dim=1).sum())
        self._examples += len(batch)

    def scores(self) -> dict[str, float]:
        """Return accuracy (all labels right), f1_macro and hamming_loss (share of wrong labels)."""
        f1 = 2 * self._right / np.maximum(self._true + self._predicted, 1)
        wrong = (self._true + self._predicted - 2 * self._right).sum()
        return {
            "accuracy": self._exact / self._examples,
            "f1_macro": float(f1.mean()),
            "hamming_loss": float(wrong / (self._examples * len(self._true))),
        }

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of each label."""
        return class_rows(self._right, self._true, self._predicted)
