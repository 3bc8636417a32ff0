"""Binary classification by one logit; logistic regression where the network is linear (docs/curriculum.md, A1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.contracts.task import Prediction, Scores, Task
from trainwell.core.errors import ShapeError
from trainwell.core.targets import CLASSES, TargetFacts
from trainwell.tasks.baselines import constant, logistic_regression
from trainwell.tasks.confusion import Confusion, class_evidence
from trainwell.tasks.probabilities import binary_entropy, mean_logit

Array = npt.NDArray[Any]


@final
class Binary(Task):
    """Class 1 or class 0, from one logit; with a linear network the gradient of w is x (a - y).

    Args:
        labels: names of the two classes; empty: their numbers.

    >>> batch = Batch({"inputs": torch.zeros(2, 3), "targets": torch.tensor([0, 1])})
    >>> Binary().loss(torch.zeros(2, 1), batch)
    tensor(0.6931)
    """

    name = "binary"
    main_score = "accuracy"
    target_type = CLASSES
    counts = (2, 2)
    criteria = ("probabilities", "logits")
    has_classes = True
    has_class_logits = True

    def __init__(self, *, labels: Sequence[str] = ()) -> None:
        self.count = 2
        self.labels = tuple(labels)

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Binary:
        """Build the task; it has no settings."""
        return cls(labels=targets.labels)

    @property
    def outputs(self) -> int:
        """One logit, of class 1."""
        return 1

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the cross-entropy of each example in nats, (batch,); outputs are (batch, 1) or (batch,) logits."""
        logits = main_output(outputs)
        if logits.numel() != len(batch):
            raise ShapeError(
                f"The network must return one number per example, got {tuple(logits.shape)} for {len(batch)} examples."
                " Give its last layer one output, or choose task.name = 'classify'."
            )
        targets = batch.targets.to(logits.dtype)
        return {"cross_entropy": F.binary_cross_entropy_with_logits(logits.reshape(-1), targets, reduction="none")}

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of the class frequencies in nats."""
        return binary_entropy(float(np.mean(targets)))

    def tally(self) -> BinaryTally:
        """Return an empty tally."""
        return BinaryTally()

    def predict(self, outputs: Outputs) -> Prediction:
        """Return class 1 where its probability is above one half."""
        positive = torch.sigmoid(main_output(outputs).reshape(-1).double()).cpu().numpy()
        values = (positive > 0.5).astype(np.int64)
        return Prediction(values, np.maximum(positive, 1 - positive), np.stack([1 - positive, positive], axis=1))

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities are the mean of the probabilities."""
        return mean_logit([main_output(one).sigmoid() for one in many])

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the majority class and logistic regression."""
        most = np.atleast_1d(train[1].mean(axis=0) - 0.5)
        return [
            constant(self, "most frequent answer", outputs=most, targets=test[1]),
            *logistic_regression(self, train, test=test),
        ]

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the confusion matrix and the scores of both classes."""
        return class_evidence(self.labels, tally)


@final
class BinaryTally:
    """A confusion matrix, and the logits for the area under the ROC curve."""

    def __init__(self) -> None:
        self.confusion = Confusion(2)
        self._logits: list[Array] = []
        self._targets: list[Array] = []

    @property
    def matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix, (2, 2)."""
        return self.confusion.matrix

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of both classes."""
        return self.confusion.per_class()

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Count a batch of logits."""
        self.confusion.add(outputs, batch)
        self._logits.append(main_output(outputs).reshape(-1).double().cpu().numpy())
        self._targets.append(batch.targets.cpu().numpy())

    def merge(self, other: Self) -> None:
        """Add what another tally has counted."""
        self.confusion.merge(other.confusion)
        self._logits += other._logits
        self._targets += other._targets

    def scores(self) -> Scores:
        """Return accuracy, f1_macro and, where both classes occur, roc_auc."""
        scores = self.confusion.scores()
        targets = np.concatenate(self._targets)
        if 0 < targets.sum() < len(targets):
            scores["roc_auc"] = roc_auc(np.concatenate(self._logits), targets)
        return scores


def roc_auc(logits: npt.NDArray[np.float64], targets: Array) -> float:
    """Return the probability that a random positive is ranked above a random negative (Mann and Whitney 1947).

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    _, inverse, counts = np.unique(logits, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # ties share their mean rank
    positives = int(targets.sum())
    above = rank[targets == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(targets) - positives)))
