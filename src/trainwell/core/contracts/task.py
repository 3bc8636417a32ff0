"""The contract of a task: everything that only a task can know. Rooms call it and never ask for its name."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from trainwell.core.contracts.outputs import Outputs, map_outputs, mean_output
from trainwell.core.targets import TargetFacts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor, nn

    from trainwell.core.batch import Batch

    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]

Scores = dict[str, float]
"""Scores by scikit-learn's names."""


@dataclass(frozen=True)
class Prediction:
    """What a network's outputs mean.

    Args:
        values: (batch,) class numbers or (batch, ...) numbers in the target's own unit.
        confidence: (batch,) probability of the predicted class; None where the task has none.
        probabilities: (batch, classes) or None.
    """

    values: Array
    confidence: Floats | None = None
    probabilities: Floats | None = None


class Tally(Protocol):
    """Collects outputs batch by batch and turns them into scores over the whole split, exactly."""

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Take one batch of outputs."""

    def merge(self, other: Self) -> None:
        """Take everything that another tally of the same task has collected, in another process for example."""

    def scores(self) -> Scores:
        """Return the scores over everything added, by scikit-learn's names."""


class Task(ABC):
    """What is learned: a task turns outputs into losses, scores and predictions. It holds no network and no data.

    A task of your own must give `build`, `outputs`, `losses`, `chance_loss`, `tally` and `predict`, and set `count` and
    `labels` in its constructor; the rest has defaults.
    """

    name: str
    """Name in the catalogue, in recipes and in records."""
    main_score: str
    """The score that decides which epoch is best, higher is better."""

    target_type: str = ""
    """Type of the targets it learns from, as readers name it (`core/targets.py`)."""
    counts: tuple[float, float] = (0, math.inf)
    """Smallest and largest number of classes, labels or numbers it learns."""
    settings: tuple[str, ...] = ()
    """Names of the settings of [task] that it reads."""
    takes_stacks: bool = False
    """Whether `functional_loss` takes the outputs of many networks at once, (networks, batch, ...)."""
    criteria: tuple[str, ...] = ()
    """What losses of PyTorch that belong to it take as input: "classes", "logits", "probabilities", "numbers"."""

    has_classes: bool = False
    """Whether every example has exactly one class."""
    has_class_logits: bool = False
    """Whether the outputs are the logits of the classes' probabilities (or the one logit of the second of two)."""
    is_numeric: bool = False
    """Whether the targets are numbers."""
    per_position: bool = False
    """Whether there is a target, and so a loss, for every position of a sequence; then the batch's mask counts."""
    causal: bool = False
    """Whether the output at a position may depend on itself and earlier positions only: later ones are its targets."""
    initial_loss_limits: tuple[float, float] = (3.0, 10.0)
    """Up to how many times the chance loss the first loss is healthy, and beyond how many times it is an error.

    Healthy networks start at 1.0 to 1.9 times the chance loss of classes.
    """
    part_weights: Mapping[str, float] = {}
    """Weight of each part of the loss, for a task with several parts; empty for a task with one."""

    count: int
    """How many classes, labels or numbers there are."""
    labels: tuple[str, ...]
    """Names of the classes or labels, in the order of their numbers; empty where nobody named them."""

    @classmethod
    @abstractmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Task:
        """Build the task.

        Args:
            recipe: the section [task] of the recipe; `settings` names what is read.
            targets: what is known of the targets.
        """

    @classmethod
    def suits(cls, target_type: str, count: int) -> bool:
        """Tell whether it can learn targets of a type, of so many classes, labels or numbers."""
        least, most = cls.counts
        return target_type == cls.target_type and least <= count <= most

    @classmethod
    def fit_targets(cls, targets: Array, labels: Sequence[str]) -> TargetFacts:
        """Return what must be known of the targets, from those of the training split only.

        Args:
            targets: (N, ...) as the reader gives them.
            labels: names of the classes or labels.
        """
        return TargetFacts(len(labels), tuple(labels))

    @classmethod
    def for_network(cls, recipe: Any, outputs: int, *, targets: Tensor) -> Task:
        """Build the task of a network that is there already and of batches that are used as they are.

        Args:
            recipe: its section.
            outputs: numbers the network returns for one example.
            targets: those of a batch.
        """
        return cls.build(recipe, TargetFacts(outputs))

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers the network must return for one example, or for one position where `per_position`."""

    @property
    def targets(self) -> TargetFacts:
        """What it knows of the targets."""
        return TargetFacts(self.count, self.labels)

    def forward(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return the network's outputs for a batch; the mask is passed by name, `model(inputs, mask=mask)`."""
        outputs: Outputs = model(batch.inputs) if batch.mask is None else model(batch.inputs, mask=batch.mask)
        return outputs

    @abstractmethod
    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the parts of the loss by name.

        Each part is (batch,), or (batch, length) where `per_position`: the unweighted loss of everything, padding
        included; `weights` says what counts.
        """

    def weights(self, batch: Batch) -> Tensor | None:
        """Return how much each example counts, (batch,), or each position, (batch, length); None if all count alike.

        Where `per_position`, this is the batch's mask times its weights, which may be per example or per position.
        """
        weights = batch.weights
        if not self.per_position:
            return weights
        if weights is not None and weights.ndim == 1:
            weights = weights.unsqueeze(1).expand(batch.targets.shape[:2])
        if batch.mask is None:
            return weights
        return batch.mask.float() if weights is None else weights * batch.mask

    def weight(self, batch: Batch) -> float:
        """Return how much a batch counts in a mean over a split: the sum of `weights`, or the number of losses."""
        if not self.per_position:
            return batch.weight()
        weights = self.weights(batch)
        return float(batch.targets.shape[:2].numel() if weights is None else weights.sum())

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return the mean loss over everything that counts in the batch, the weighted sum of its parts; 0-d."""
        parts = self.loss_parts(outputs, batch)
        if not self.part_weights:
            return next(iter(parts.values()))
        terms = [weight * parts[name] for name, weight in self.part_weights.items()]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def loss_parts(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the mean of each part of the loss over everything that counts, unweighted by `part_weights`; 0-d."""
        weights = self.weights(batch)
        if weights is None:
            return {name: part.mean() for name, part in self.losses(outputs, batch).items()}
        whole = weights.sum()
        ignored = weights == 0
        # What does not count may be anything, NaN too: attention returns it where every position is masked.
        return {
            name: (part.masked_fill(ignored, 0.0) * weights).sum() / whole
            for name, part in self.losses(outputs, batch).items()
        }

    def example_loss(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return the loss of each example, (batch,): the weighted sum of its parts, a mean over its positions."""
        total: Tensor | None = None
        for name, part in self.losses(outputs, batch).items():
            if self.per_position:
                weights = self.weights(batch)
                if weights is None:
                    part = part.mean(dim=1)
                else:
                    counted = part.masked_fill(weights == 0, 0.0) * weights
                    part = counted.sum(dim=1) / weights.sum(dim=1).clamp(min=1e-12)
            term = self.part_weights[name] * part if self.part_weights else part
            total = term if total is None else total + term
        assert total is not None, "a loss has a part"
        return total

    def functional_loss(self, outputs: Tensor, targets: Tensor, settings: Mapping[str, Tensor]) -> Tensor:
        """Return the loss as a pure function, for networks that train as one program; 0-d.

        Args:
            outputs: (batch, ...) of one network, or (networks, batch, ...) where `takes_stacks`; then (networks,)
                is returned.
            targets: (batch, ...), or (networks, batch, ...).
            settings: those of its `settings` that any of the networks uses, (networks,) or 0-d each.
        """
        from trainwell.core.batch import Batch

        return self.loss(outputs, Batch({"inputs": outputs, "targets": targets}))

    def outputs_for(self, targets: Tensor) -> int:
        """Return how many outputs these targets ask for; 0 where that does not depend on their values."""
        return 0

    @abstractmethod
    def chance_loss(self, targets: Array) -> float:
        """Return the loss of the best constant prediction for these targets, in the unit of `loss`.

        Args:
            targets: (N, ...) as the network learns them, see `prepare_targets`.
        """

    def prepare_targets(self, targets: Array) -> Array:
        """Return targets as the network learns them; here, as they are."""
        return targets

    def restore_targets(self, targets: Array) -> Array:
        """Undo `prepare_targets`."""
        return targets

    def target_columns(self, targets: Tensor) -> Tensor:
        """Return targets as numbers that a linear model could predict, (batch, columns) float64."""
        return targets.double().reshape(len(targets), -1)

    @abstractmethod
    def tally(self) -> Tally:
        """Return an empty tally of this task's scores."""

    def add_stacked(self, tallies: Sequence[Tally], outputs: Tensor, *, batch: Batch) -> None:
        """Add a batch that many networks share to the tally of each.

        Args:
            tallies: one for each network.
            outputs: (networks, batch, ...).
            batch: the batch.
        """
        for tally, one in zip(tallies, outputs, strict=True):
            tally.add(one, batch)

    @abstractmethod
    def predict(self, outputs: Outputs) -> Prediction:
        """Return what outputs mean."""

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return outputs that stand for several outputs of one batch: of crops of an image, of members of an ensemble.

        Here their mean; a task with probabilities averages these.
        """
        return mean_output(many)

    def known_fraction(self, outputs: Outputs, batch: Batch) -> float:
        """Return how much of a batch is predicted right: the fraction of its targets, or of their variance."""
        import numpy as np

        predicted = np.reshape(self.predict(map_outputs(lambda one: one.detach(), outputs)).values, (len(batch), -1))
        return float((predicted == batch.targets.cpu().numpy().reshape(len(batch), -1)).mean())

    def value(self, target: Any) -> Any:
        """Return one target or prediction as plain data: a label, a list of labels, a number or a list of numbers.

        Args:
            target: an element of `Prediction.values`, or of targets before `prepare_targets`.
        """
        if self.has_classes and self.labels:
            return self.labels[int(target)]
        return target.tolist() if hasattr(target, "tolist") else target

    def words(self, target: Any) -> str:
        """Return one target or prediction for a reader; see `value`."""
        return str(self.value(target))

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Score what is reached without a network; here, nothing is known.

        Args:
            train: inputs (examples, ...) as the network sees them, and targets as it learns them.
            test: the split to be scored on, likewise.
        Returns:
            (name, scores) of each baseline, simplest first.
        """
        return []

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return what explains the scores of a split, as the values of figures by name ("confusion", "residuals").

        Args:
            tally: one of this task's.
        """
        return {}
