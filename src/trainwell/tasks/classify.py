"""Multi-class classification: one class out of several, by softmax and cross-entropy (docs/curriculum.md, A3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, join_outputs, main_output
from trainwell.core.contracts.task import Prediction, Scores, Tally, Task
from trainwell.core.errors import ShapeError
from trainwell.core.targets import CLASSES, TargetFacts
from trainwell.tasks.baselines import constant, logistic_regression
from trainwell.tasks.confusion import Confusion, class_evidence
from trainwell.tasks.probabilities import mean_of_probabilities

Array = npt.NDArray[Any]


@final
class Classify(Task):
    """One class out of `classes`, from unnormalised outputs (logits).

    The gradient with respect to the logits is softmax(logits) - onehot(target).

    Args:
        classes: number of classes.
        labels: their names; empty: their numbers.
        label_smoothing: fraction of each label distributed over all classes (Szegedy et al. 2016, section 7).

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([0])})
    >>> Classify(classes=2).loss(torch.zeros(1, 2), batch)
    tensor(0.6931)
    """

    name = "classify"
    main_score = "accuracy"
    target_type = CLASSES
    settings = ("label_smoothing",)
    takes_stacks = True
    criteria = ("classes",)
    has_classes = True
    has_class_logits = True

    def __init__(self, *, classes: int, labels: Sequence[str] = (), label_smoothing: float = 0.0) -> None:
        self.count = classes
        self.labels = tuple(labels)
        self.label_smoothing = label_smoothing

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Classify:
        """Build the task; `label_smoothing` is read."""
        return cls(classes=targets.count, labels=targets.labels, label_smoothing=recipe.label_smoothing)

    @property
    def outputs(self) -> int:
        """One logit for each class."""
        return self.count

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats, 0-d.

        Args:
            outputs: (batch, classes) float logits.
            batch: targets (batch,) int in [0, classes).
        """
        if batch.weights is not None:
            return super().loss(outputs, batch)
        logits = self._checked(outputs, batch)
        return F.cross_entropy(logits, batch.targets, label_smoothing=self.label_smoothing)

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the cross-entropy of each example in nats, (batch,)."""
        logits = self._checked(outputs, batch)
        each = F.cross_entropy(logits, batch.targets, label_smoothing=self.label_smoothing, reduction="none")
        return {"cross_entropy": each}

    def functional_loss(self, outputs: Tensor, targets: Tensor, settings: Mapping[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy of one network or of each of many in nats."""
        return stacked_cross_entropy(outputs, targets, smoothing=settings.get("label_smoothing"))

    def outputs_for(self, targets: Tensor) -> int:
        """Return the number of outputs that the targets need at least."""
        return int(targets.max()) + 1

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of the class frequencies in nats: ln C for balanced classes.

        >>> round(Classify(classes=2).chance_loss(np.array([0, 1, 0, 1])), 4)
        0.6931
        """
        shares = np.bincount(targets, minlength=self.count) / len(targets)
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())

    def target_columns(self, targets: Tensor) -> Tensor:
        """Return one column for each class, 1 for the true one."""
        return F.one_hot(targets.long()).double()

    def tally(self) -> Confusion:
        """Return an empty confusion matrix."""
        return Confusion(self.count)

    def add_stacked(self, tallies: Sequence[Tally], outputs: Tensor, *, batch: Batch) -> None:
        """Add a batch to every network's confusion matrix: one count over (network, true class, predicted class)."""
        matrices = [tally.matrix for tally in tallies if isinstance(tally, Confusion)]
        members, _, classes = outputs.shape
        cells = classes * classes
        pairs = batch.targets.long() * classes + outputs.argmax(dim=2)
        numbered = pairs + cells * torch.arange(members).unsqueeze(1)
        counts = torch.bincount(numbered.flatten(), minlength=members * cells).reshape(members, classes, classes)
        for matrix, count in zip(matrices, counts.numpy(), strict=True):
            matrix += count

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the most probable class of each example with its probability."""
        probabilities = torch.softmax(main_output(outputs).double(), dim=1)
        confidence, values = probabilities.max(dim=1)
        return Prediction(values.cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities are the mean of the probabilities."""
        return join_outputs(mean_of_probabilities, [main_output(one) for one in many])

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the majority class and logistic regression."""
        most = np.eye(self.count)[np.bincount(train[1], minlength=self.count).argmax()]
        rows = [constant(self, "most frequent class", outputs=most, targets=test[1])]
        return rows + logistic_regression(self, train, test=test)

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the confusion matrix and the scores of each class."""
        return class_evidence(self.labels, tally)

    def _checked(self, outputs: Outputs, batch: Batch) -> Tensor:
        logits = main_output(outputs)
        if logits.ndim != 2 or logits.shape[1] != self.count or len(logits) != len(batch):
            raise ShapeError(
                f"The network must return (batch, classes) = ({len(batch)}, {self.count}) numbers, "
                f"got {tuple(logits.shape)}. Give its last layer {self.count} outputs."
            )
        return logits


def stacked_cross_entropy(outputs: Tensor, targets: Tensor, *, smoothing: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy of each network, as torch's; for many networks it is several times as fast.

    Classes come first, so that sums over a few classes run along many examples; torch's own sums run along the
    classes, ten numbers at a time.

    Args:
        outputs: (..., batch, classes) logits.
        targets: (..., batch) or (batch,) int in [0, classes).
        smoothing: (...,) fraction of each label distributed over all classes.
    Returns:
        (...,) in nats.

    >>> logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    >>> torch.allclose(stacked_cross_entropy(logits, targets), F.cross_entropy(logits, targets))
    True
    """
    columns = outputs.transpose(-1, -2)
    shifted = columns - columns.detach().amax(-2, keepdim=True)
    scale = shifted.exp().sum(-2).log()
    index = targets.expand(*outputs.shape[:-2], -1).unsqueeze(-2)
    sharp = (scale - shifted.gather(-2, index).squeeze(-2)).mean(-1)
    if smoothing is None:
        return sharp
    return (1 - smoothing) * sharp + smoothing * (scale - shifted.mean(-2)).mean(-1)
