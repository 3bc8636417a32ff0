"""Multi-class classification by one binary classifier per class (docs/curriculum.md, A4)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

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
from trainwell.tasks.classify import Classify
from trainwell.tasks.confusion import Confusion, class_evidence
from trainwell.tasks.probabilities import binary_entropy, mean_logit

Array = npt.NDArray[Any]


@final
class OneVsRest(Task):
    """One-vs-rest: n binary classifiers, one for each class against all others; the most confident one wins.

    Formula: loss = mean over classes k of the binary cross-entropy of z_k and [y = k]; prediction argmax z_k
    Use: as an alternative to softmax; where inputs may belong to no known class.
    Cost: as softmax; probabilities do not sum to one without rescaling.
    Lab: many_classes
    Source: Rifkin and Klautau 2004

    Args:
        classes: number of classes; the network returns one logit each.
        labels: their names; empty: their numbers.

    >>> batch = Batch({"inputs": torch.zeros(1, 4), "targets": torch.tensor([0])})
    >>> OneVsRest(classes=3).loss(torch.zeros(1, 3), batch)
    tensor(0.6931)
    """

    name = "one_vs_rest"
    main_score = "accuracy"
    target_type = CLASSES
    counts = (3, math.inf)
    has_classes = True

    def __init__(self, *, classes: int, labels: Sequence[str] = ()) -> None:
        self.count = classes
        self.labels = tuple(labels)

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> OneVsRest:
        """Build the task; it has no settings."""
        return cls(classes=targets.count, labels=targets.labels)

    @property
    def outputs(self) -> int:
        """One logit for each class."""
        return self.count

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the binary cross-entropy of each example in nats, averaged over the classifiers, (batch,)."""
        logits = check_width(main_output(outputs), len(batch), width=self.count)
        hot = F.one_hot(batch.targets, self.count).to(logits.dtype)
        return {"cross_entropy": F.binary_cross_entropy_with_logits(logits, hot, reduction="none").mean(dim=1)}

    def outputs_for(self, targets: Tensor) -> int:
        """Return the number of outputs that the targets need at least."""
        return int(targets.max()) + 1

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of each class's frequency in nats, averaged over the classifiers."""
        shares = np.bincount(targets, minlength=self.count) / len(targets)
        return float(np.mean([binary_entropy(share) for share in shares]))

    def target_columns(self, targets: Tensor) -> Tensor:
        """Return one column for each class, 1 for the true one."""
        return F.one_hot(targets.long()).double()

    def tally(self) -> Confusion:
        """Return an empty confusion matrix."""
        return Confusion(self.count)

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the class with the most confident classifier; probabilities are rescaled to sum to one."""
        logits = main_output(outputs)
        probabilities = _probabilities(logits)
        confidence = probabilities.gather(1, logits.argmax(1, keepdim=True))[:, 0]
        return Prediction(logits.argmax(1).cpu().numpy(), confidence.cpu().numpy(), probabilities.cpu().numpy())

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities, as `predict` returns them, are the mean of the probabilities."""
        return mean_logit([_probabilities(main_output(one)) for one in many]).to(main_output(many[0]).dtype)

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the majority class and logistic regression."""
        return Classify(classes=self.count).baselines(train, test)

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return the confusion matrix and the scores of each class."""
        return class_evidence(self.labels, tally)


def check_width(outputs: Tensor, examples: int, *, width: int) -> Tensor:
    """Return the outputs of several classifiers, after checking their shape.

    Raises:
        ShapeError: if they are not (examples, width).
    """
    if outputs.ndim != 2 or outputs.shape != (examples, width):
        raise ShapeError(
            f"The network must return (batch, classifiers) = ({examples}, {width}) numbers, got "
            f"{tuple(outputs.shape)}. Give its last layer {width} outputs."
        )
    return outputs


def _probabilities(logits: Tensor) -> Tensor:
    each = torch.sigmoid(logits.double())
    return each / each.sum(dim=1, keepdim=True).clamp(min=1e-300)
