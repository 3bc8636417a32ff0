"""The confusion matrix, and the scores that follow from it exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
import torch

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.contracts.task import Scores

_CLASSES = 100  # a confusion matrix of more classes is unreadable


@final
class Confusion:
    """Counts (true class, predicted class) pairs over a whole split.

    Args:
        classes: number of classes.

    >>> tally = Confusion(2)
    >>> batch = Batch({"inputs": torch.zeros(3, 1), "targets": torch.tensor([0, 1, 1])})
    >>> tally.add(torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), batch)
    >>> tally.matrix.tolist(), round(tally.scores()["accuracy"], 3)
    ([[1, 0], [1, 1]], 0.667)
    """

    def __init__(self, classes: int) -> None:
        self.matrix: npt.NDArray[np.int64] = np.zeros((classes, classes), dtype=np.int64)

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Count a batch: outputs (batch, classes) or, for two classes, (batch,) or (batch, 1) logits."""
        logits = main_output(outputs)
        classes = len(self.matrix)
        if logits.ndim == 2 and logits.shape[1] == classes:
            predicted = logits.argmax(dim=1)
        else:
            predicted = (logits.reshape(-1) > 0).long()
        pairs = batch.targets.long() * classes + predicted
        self.matrix += torch.bincount(pairs, minlength=classes * classes).reshape(classes, classes).cpu().numpy()

    def merge(self, other: Self) -> None:
        """Add the counts of another tally."""
        self.matrix += other.matrix

    def scores(self) -> Scores:
        """Return accuracy and the mean F1 over the classes that occur, as scikit-learn defines them."""
        return {"accuracy": float(np.trace(self.matrix) / self.matrix.sum()), "f1_macro": float(self._f1().mean())}

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of each class, in the order of the class numbers."""
        return class_rows(np.diag(self.matrix), self.matrix.sum(axis=1), predicted=self.matrix.sum(axis=0))

    def _f1(self) -> npt.NDArray[np.float64]:
        right = np.diag(self.matrix)
        occurrences = self.matrix.sum(axis=0) + self.matrix.sum(axis=1)
        seen = occurrences > 0  # as scikit-learn: a class neither present nor predicted does not count
        f1: npt.NDArray[np.float64] = 2 * right[seen] / occurrences[seen]
        return f1


def class_rows(
    right: npt.NDArray[np.int64], support: npt.NDArray[np.int64], *, predicted: npt.NDArray[np.int64]
) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support of each class from its counts.

    Args:
        right: (classes,) number of correct predictions of each class.
        support: (classes,) number of examples of each class.
        predicted: (classes,) number of predictions of each class.
    """
    precision = right / np.maximum(predicted, 1)
    recall = right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(support + predicted, 1)
    columns = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    return [{name: column[k].item() for name, column in columns.items()} for k in range(len(right))]


def class_evidence(labels: Sequence[str], tally: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return the confusion matrix of at most 100 classes, and the scores of each class.

    Args:
        labels: names of the classes; empty: their numbers.
        tally: has the confusion matrix as `matrix`, and `per_class()`.
    """
    names = list(labels) or [str(number) for number in range(len(tally.matrix))]
    found: dict[str, Mapping[str, Any]] = {}
    if len(names) <= _CLASSES:
        found["confusion"] = {"labels": names, "matrix": tally.matrix.tolist()}
    return found | {"per_class": {"rows": named_rows(names, tally.per_class())}}


def named_rows(labels: Sequence[str], rows: Sequence[Mapping[str, float]]) -> list[dict[str, Any]]:
    """Return the scores of each class or label with its name."""
    return [{"label": label, **row} for label, row in zip(labels, rows, strict=False)]
