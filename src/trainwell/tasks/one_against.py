"""Several classes from two-class classifiers: one against the rest, and one against one (curriculum A4)."""

from __future__ import annotations

import itertools
import math
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
class OneVsRest(Task):
    """One class out of n by n classifiers, each of which tells its class from all others; the surest wins.

    Formula: loss = mean over classes k of the binary cross-entropy of z_k and [y = k]; answer argmax z_k
    Use: beside softmax, to see what normalising together is worth; classes that may be unlike all known ones.
    Cost: as softmax; probabilities do not add up to one by themselves.
    Lab: many_classes
    Source: Rifkin and Klautau 2004

    Args:
        classes: how many classes there are; the network returns one logit each.

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([0])})
    >>> OneVsRest(classes=3).loss(torch.zeros(1, 3), batch)
    tensor(0.6931)
    """

    name = "one_vs_rest"
    main_score = "accuracy"

    def __init__(self, *, classes: int) -> None:
        self.classes = classes

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the binary cross-entropy of each example in nats, averaged over the classifiers, (batch,)."""
        _check(outputs, len(batch), self.classes)
        hot = F.one_hot(batch.targets, self.classes).to(outputs.dtype)
        return F.binary_cross_entropy_with_logits(outputs, hot, reduction="none").mean(dim=1)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the entropy of each class's share in nats, averaged over the classifiers."""
        shares = np.bincount(targets, minlength=self.classes) / len(targets)
        return float(np.mean([_entropy(share) for share in shares]))

    def tally(self) -> Confusion:
        """Return an empty confusion matrix."""
        return Confusion(self.classes)

    def predict(self, outputs: Tensor) -> Prediction:
        """Return the class whose own classifier is surest; probabilities are shared out to add up to one."""
        each = torch.sigmoid(outputs.double())
        probabilities = each / each.sum(dim=1, keepdim=True).clamp(min=1e-300)
        confidence = probabilities.gather(1, outputs.argmax(1, keepdim=True))[:, 0]
        return Prediction(outputs.argmax(1).cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())


@final
class OneVsOne(Task):
    """One class out of n by n (n - 1) / 2 classifiers, each of which tells two classes apart; the majority wins.

    Formula: loss = mean over the n - 1 pairs that hold y of their binary cross-entropy; answer: most votes
    Use: few classes, and pairs that differ in different features; each classifier learns from two classes only.
    Cost: n (n - 1) / 2 outputs: 45 for ten classes, 4,950 for a hundred.
    Lab: many_classes
    Source: Knerr et al. 1990; Hastie and Tibshirani 1998

    Args:
        classes: how many classes there are; the network returns one logit for each pair (i, j), i < j, above 0 for i.

    >>> task = OneVsOne(classes=3)
    >>> task.pairs, task.votes(torch.tensor([[1.0, -1.0, -2.0]])).argmax().item()
    (((0, 1), (0, 2), (1, 2)), 2)
    """

    name = "one_vs_one"
    main_score = "accuracy"

    def __init__(self, *, classes: int) -> None:
        self.classes = classes
        self.pairs = tuple(itertools.combinations(range(classes), 2))

    @classmethod
    def from_outputs(cls, outputs: int) -> OneVsOne:
        """Build the task of so many pairs.

        >>> OneVsOne.from_outputs(45).classes
        10
        """
        return cls(classes=(1 + math.isqrt(1 + 8 * outputs)) // 2)

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the binary cross-entropy of each example in nats, averaged over the pairs that hold its class."""
        _check(outputs, len(batch), len(self.pairs))
        first, second = self._sides(outputs)
        for_first, for_second = first[:, batch.targets].T, second[:, batch.targets].T
        each = F.binary_cross_entropy_with_logits(outputs, for_first, reduction="none")
        return (each * (for_first + for_second)).sum(dim=1) / (self.classes - 1)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the entropy of the shares within each pair in nats, weighted by the examples that see it."""
        counts = np.bincount(targets, minlength=self.classes)
        total = 0.0
        for i, j in self.pairs:
            both = counts[i] + counts[j]
            total += both * _entropy(counts[i] / both) if both else 0.0
        return float(total / (len(targets) * (self.classes - 1)))

    def votes(self, outputs: Tensor) -> Tensor:
        """Count the votes for each class, (batch, classes); among equals the larger sum of margins wins by a hair."""
        first, second = self._sides(outputs)
        won = (outputs > 0).to(outputs.dtype)
        margins = torch.tanh(outputs / 2)
        # Margins are below one a pair: divided by their number they never outweigh a vote.
        hair = (margins @ first - margins @ second) / (2 * self.classes)
        return won @ first + (1 - won) @ second + hair

    def tally(self) -> VoteTally:
        """Return an empty confusion matrix that counts votes."""
        return VoteTally(self)

    def predict(self, outputs: Tensor) -> Prediction:
        """Return the class with most votes; its share of the votes it could have stands for confidence."""
        votes = self.votes(outputs.double())
        values = votes.argmax(dim=1)
        won = votes.clamp(min=0)
        probabilities = won / won.sum(dim=1, keepdim=True)
        confidence = (won.gather(1, values[:, None])[:, 0] / (self.classes - 1)).clamp(max=1.0)
        return Prediction(values.cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())

    def _sides(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return which class is the first and which the second of each pair, each (pairs, classes)."""
        places = torch.tensor(self.pairs, device=like.device)
        first, second = (F.one_hot(places[:, side], self.classes).to(like.dtype) for side in (0, 1))
        return first, second


@final
class VoteTally:
    """A confusion matrix of majority votes."""

    def __init__(self, task: OneVsOne) -> None:
        self._task, self._confusion = task, Confusion(task.classes)

    @property
    def matrix(self) -> npt.NDArray[np.int64]:
        """The confusion matrix, (classes, classes)."""
        return self._confusion.matrix

    def add(self, outputs: Tensor, batch: Batch) -> None:
        """Count a batch of outputs, (batch, pairs)."""
        self._confusion.add(self._task.votes(outputs), batch)

    def scores(self) -> dict[str, float]:
        """Return accuracy and f1_macro."""
        return self._confusion.scores()

    def per_class(self) -> list[dict[str, float]]:
        """Return precision, recall, F1 and support of each class."""
        return self._confusion.per_class()


def _entropy(share: float) -> float:
    return float(-sum(p * np.log(p) for p in (share, 1 - share) if p > 0))


def _check(outputs: Tensor, examples: int, width: int) -> None:
    if outputs.ndim != 2 or outputs.shape != (examples, width):
        raise ShapeError(
            f"The network must return (batch, classifiers) = ({examples}, {width}) numbers, got "
            f"{tuple(outputs.shape)}. Give its last layer {width} outputs."
        )
