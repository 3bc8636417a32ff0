"""Multi-class classification by one binary classifier per pair of classes (docs/curriculum.md, A4)."""

from __future__ import annotations

import itertools
import math
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
from trainwell.core.targets import CLASSES, TargetFacts
from trainwell.tasks.classify import Classify
from trainwell.tasks.confusion import Confusion, class_evidence
from trainwell.tasks.one_vs_rest import check_width
from trainwell.tasks.probabilities import binary_entropy, mean_logit

Array = npt.NDArray[Any]


@final
class OneVsOne(Task):
    """One-vs-one: n (n - 1) / 2 binary classifiers, one for each pair of classes, and majority voting.

    Formula: loss = mean over the n - 1 pairs with y of their binary cross-entropy; prediction: most votes
    Use: few classes, and pairs that differ in different features; each classifier learns from two classes only.
    Cost: n (n - 1) / 2 outputs: 45 for ten classes, 4,950 for a hundred.
    Lab: many_classes
    Source: Knerr et al. 1990; Hastie and Tibshirani 1998

    Args:
        classes: number of classes; the network returns one logit for each pair (i, j), i < j, above 0 for i.
        labels: their names; empty: their numbers.

    >>> task = OneVsOne(classes=3)
    >>> task.pairs, task.votes(torch.tensor([[1.0, -1.0, -2.0]])).argmax().item()
    (((0, 1), (0, 2), (1, 2)), 2)
    """

    name = "one_vs_one"
    main_score = "accuracy"
    target_type = CLASSES
    counts = (3, math.inf)
    has_classes = True

    def __init__(self, *, classes: int, labels: Sequence[str] = ()) -> None:
        self.count = classes
        self.labels = tuple(labels)
        self.pairs = tuple(itertools.combinations(range(classes), 2))

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> OneVsOne:
        """Build the task; it has no settings."""
        return cls(classes=targets.count, labels=targets.labels)

    @classmethod
    def for_network(cls, recipe: Any, outputs: int, *, targets: Tensor) -> OneVsOne:
        """Build the task from the number of pairs.

        >>> OneVsOne.for_network(None, 45, targets=torch.zeros(1)).count
        10
        """
        return cls(classes=(1 + math.isqrt(1 + 8 * outputs)) // 2)

    @property
    def outputs(self) -> int:
        """One logit for each pair of classes."""
        return len(self.pairs)

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the binary cross-entropy of each example in nats, averaged over the pairs with its class."""
        logits = check_width(main_output(outputs), len(batch), width=len(self.pairs))
        first, second = self._sides(logits)
        for_first = first[:, batch.targets].T
        for_second = second[:, batch.targets].T
        each = F.binary_cross_entropy_with_logits(logits, for_first, reduction="none")
        return {"cross_entropy": (each * (for_first + for_second)).sum(dim=1) / (self.count - 1)}

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of the class frequencies of each pair in nats, weighted by its number of examples."""
        counts = np.bincount(targets, minlength=self.count)
        total = 0.0
        for i, j in self.pairs:
            both = counts[i] + counts[j]
            total += both * binary_entropy(counts[i] / both) if both else 0.0
        return float(total / (len(targets) * (self.count - 1)))

    def target_columns(self, targets: Tensor) -> Tensor:
        """Return one column for each class, 1 for the true one."""
        return F.one_hot(targets.long()).double()

    def votes(self, outputs: Tensor) -> Tensor:
        """Count the votes for each class, (batch, classes); the sum of margins breaks ties."""
        first, second = self._sides(outputs)
        won = (outputs > 0).to(outputs.dtype)
        margins = torch.tanh(outputs / 2)
        # Margins are below one per pair: divided by the number of pairs they never outweigh a vote.
        hair = (margins @ first - margins @ second) / (2 * self.count)
        return won @ first + (1 - won) @ second + hair

    def tally(self) -> VoteTally:
        """Return an empty confusion matrix that counts votes."""
        return VoteTally(self)

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the class with most votes; its confidence is its fraction of the possible votes."""
        votes = self.votes(main_output(outputs).double())
        values = votes.argmax(dim=1)
        won = votes.clamp(min=0)
        probabilities = won / won.sum(dim=1, keepdim=True)
        confidence = (won.gather(1, values[:, None])[:, 0] / (self.count - 1)).clamp(max=1.0)
        return Prediction(values.cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities, pair by pair, are the mean of the probabilities."""
        return mean_logit([main_output(one).sigmoid() for one in many])

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the majority class and logistic regression."""
        return Classify(classes=self.count).baselines(train, test)

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the confusion matrix and the scores of each class."""
        return class_evidence(self.labels, tally)

    def _sides(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return which class is the first and which the second of each pair, each (pairs, classes)."""
        places = torch.tensor(self.pairs, device=like.device)
        first, second = (F.one_hot(places[:, side], self.count).to(like.dtype) for side in (0, 1))
        return first, second


@final
class VoteTally:
    """A confusion matrix of majority votes.

    Args:
        task: counts the votes.
    """

    def __init__(self, task: OneVsOne) -> None:
        self._task = task
        self._confusion = Confusion(task.count)

    @property
    def matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix, (classes, classes)."""
        return self._confusion.matrix

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Count a batch of outputs, (batch, pairs)."""
        self._confusion.add(self._task.votes(main_output(outputs)), batch)

    def merge(self, other: Self) -> None:
        """Add the counts of another tally."""
        self._confusion.merge(other._confusion)

    def scores(self) -> Scores:
        """Return accuracy and f1_macro."""
        return self._confusion.scores()

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of each class."""
        return self._confusion.per_class()
