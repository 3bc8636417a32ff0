"""Multi-label classification: any number of labels, one sigmoid each, never a softmax (docs/curriculum.md, A5)."""

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
from trainwell.core.targets import LABEL_SETS, TargetFacts
from trainwell.tasks.baselines import constant
from trainwell.tasks.confusion import class_rows, named_rows
from trainwell.tasks.probabilities import mean_logit

Array = npt.NDArray[Any]


@final
class Multilabel(Task):
    """Each of `count` labels is present or not, from one logit each.

    Args:
        count: number of labels.
        labels: their names; empty: their numbers.

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([[1, 0, 1]])})
    >>> Multilabel(count=3).loss(torch.zeros(1, 3), batch)
    tensor(0.6931)
    >>> Multilabel(count=3, labels=("a", "b", "c")).words(np.array([1, 0, 1]))
    'a, c'
    """

    name = "multilabel"
    main_score = "f1_macro"
    target_type = LABEL_SETS

    def __init__(self, *, count: int, labels: Sequence[str] = ()) -> None:
        self.count = count
        self.labels = tuple(labels)

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Multilabel:
        """Build the task; it has no settings."""
        return cls(count=targets.count, labels=targets.labels)

    @property
    def outputs(self) -> int:
        """One logit for each label."""
        return self.count

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the cross-entropy of each example in nats, averaged over its labels, (batch,)."""
        logits = main_output(outputs)
        if logits.shape != batch.targets.shape:
            raise ShapeError(
                f"The network must return (batch, labels) = {tuple(batch.targets.shape)} numbers, "
                f"got {tuple(logits.shape)}. Give its last layer {self.count} outputs."
            )
        targets = batch.targets.to(logits.dtype)
        return {"cross_entropy": F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(dim=1)}

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of each label's frequency in nats, averaged over the labels."""
        share = targets.mean(axis=0, dtype=np.float64)
        both = np.stack([share, 1 - share])
        return float(-(both * np.log(np.where(both > 0, both, 1))).sum(axis=0).mean())

    def tally(self) -> MultilabelTally:
        """Return an empty tally."""
        return MultilabelTally(self.count)

    def predict(self, outputs: Outputs) -> Prediction:
        """Return (batch, labels) zeros and ones, with their probabilities."""
        probabilities = torch.sigmoid(main_output(outputs).double()).cpu().numpy()
        return Prediction((probabilities > 0.5).astype(np.int64), probabilities=probabilities)

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities are the mean of the probabilities."""
        return mean_logit([main_output(one).sigmoid() for one in many])

    def value(self, target: Any) -> list[str]:
        """Return the labels that are present."""
        names = self.labels or tuple(map(str, range(len(target))))
        return [label for label, present in zip(names, target, strict=True) if present]

    def words(self, target: Any) -> str:
        """Return the labels that are present, or "none"."""
        return ", ".join(self.value(target)) or "none"

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the most frequent set of labels."""
        return [
            constant(self, "most frequent answer", outputs=np.atleast_1d(train[1].mean(axis=0) - 0.5), targets=test[1])
        ]

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the scores of each label."""
        return {"per_class": {"rows": named_rows(self.labels, tally.per_class())}}


@final
class MultilabelTally:
    """Counts of true positives, false negatives and false positives of a split."""

    def __init__(self, labels: int) -> None:
        self._right = np.zeros(labels, dtype=np.int64)
        self._true = np.zeros(labels, dtype=np.int64)
        self._predicted = np.zeros(labels, dtype=np.int64)
        self._exact = 0
        self._examples = 0

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Count a batch."""
        predicted = main_output(outputs) > 0
        true = batch.targets > 0
        self._right += (predicted & true).sum(dim=0).cpu().numpy()
        self._true += true.sum(dim=0).cpu().numpy()
        self._predicted += predicted.sum(dim=0).cpu().numpy()
        self._exact += int((predicted == true).all(dim=1).sum())
        self._examples += len(batch)

    def merge(self, other: Self) -> None:
        """Add the counts of another tally."""
        self._right += other._right
        self._true += other._true
        self._predicted += other._predicted
        self._exact += other._exact
        self._examples += other._examples

    def scores(self) -> Scores:
        """Return accuracy (all labels correct), f1_macro and hamming_loss (fraction of incorrect labels)."""
        f1 = 2 * self._right / np.maximum(self._true + self._predicted, 1)
        wrong = (self._true + self._predicted - 2 * self._right).sum()
        return {
            "accuracy": self._exact / self._examples,
            "f1_macro": float(f1.mean()),
            "hamming_loss": float(wrong / (self._examples * len(self._true))),
        }

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of each label."""
        return class_rows(self._right, self._true, predicted=self._predicted)
