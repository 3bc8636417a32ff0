"""Binary classification: yes or no, by one logit (curriculum A1; logistic regression where the network is linear)."""

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
class Binary(Task):
    """Class 1 or class 0, from one logit; with a linear network the gradient of w is x (a - y).

    >>> batch = Batch({"inputs": torch.zeros(2, 3), "targets": torch.tensor([0, 1])})
    >>> Binary().loss(torch.zeros(2, 1), batch)
    tensor(0.6931)
    """

    name = "binary"
    main_score = "accuracy"

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of each example in nats, (batch,); outputs are (batch, 1) or (batch,) logits."""
        if outputs.numel() != len(batch):
            raise ShapeError(
                f"The network must return one number per example, got {tuple(outputs.shape)} for {len(batch)} examples."
                " Give its last layer one output, or choose task.name = 'classify'."
            )
        return F.binary_cross_entropy_with_logits(
            outputs.reshape(-1), batch.targets.to(outputs.dtype), reduction="none"
        )

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the entropy of the class shares in nats."""
        share = float(np.mean(targets))
        return float(-sum(p * np.log(p) for p in (share, 1 - share) if p > 0))

    def tally(self) -> BinaryTally:
        """Return an empty tally."""
        return BinaryTally()

    def predict(self, outputs: Tensor) -> Prediction:
        """Return class 1 where its probability is above one half."""
        positive = torch.sigmoid(outputs.reshape(-1).double()).cpu().numpy()
        values = (positive > 0.5).astype(np.int64)
        return Prediction(values, np.maximum(positive, 1 - positive), np.stack([1 - positive, positive], axis=1))


@final
class BinaryTally:
    """A confusion matrix, and the logits for the area under the ROC curve."""

    def __init__(self) -> None:
        self.confusion = Confusion(2)
        self._logits: list[npt.NDArray[Any]] = []
        self._targets: list[npt.NDArray[Any]] = []

    @property
    def matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix, (2, 2)."""
        return self.confusion.matrix

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of both classes."""
        return self.confusion.per_class()

    def add(self, outputs: Tensor, batch: Batch) -> None:
        """Count a batch of logits."""
        self.confusion.add(outputs, batch)
        self._logits.append(outputs.reshape(-1).double().cpu().numpy())
        self._targets.append(batch.targets.cpu().numpy())

    def scores(self) -> dict[str, float]:
        """Return accuracy, f1_macro and, where both classes occur, roc_auc."""
        scores = self.confusion.scores()
        targets = np.concatenate(self._targets)
        if 0 < targets.sum() < len(targets):
            scores["roc_auc"] = roc_auc(np.concatenate(self._logits), targets)
        return scores


def roc_auc(logits: npt.NDArray[np.float64], targets: npt.NDArray[Any]) -> float:
    """Return the probability that a random positive is ranked above a random negative (Mann and Whitney 1947).

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    _, inverse, counts = np.unique(logits, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # ties share their mean rank
    positives = int(targets.sum())
    above = rank[targets == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(targets) - positives)))
