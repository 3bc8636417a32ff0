"""Regression: one or several numbers, by squared error (docs/curriculum.md, A6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.contracts.task import Prediction, Scores, Task
from trainwell.core.errors import ShapeError
from trainwell.core.statistics import mean_and_deviation
from trainwell.core.targets import NUMBERS, TargetFacts
from trainwell.tasks.baselines import constant, linear_regression

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

_POINTS = 500  # pairs in the figure of predicted against true


@final
class Regress(Task):
    """Numbers by mean squared error; the network learns standardised targets, scores are in the original unit.

    Args:
        mean: mean of each target on the training split.
        deviation: standard deviation of each target on the training split.

    >>> import torch
    >>> batch = Batch({"inputs": torch.zeros(2, 3), "targets": torch.tensor([0.0, 2.0])})
    >>> Regress().loss(torch.zeros(2, 1), batch)
    tensor(2.)
    """

    name = "regress"
    main_score = "r2"
    target_type = NUMBERS
    criteria = ("numbers",)
    is_numeric = True
    # docs/references.md, T17: healthy networks start at 3 to 7 times the chance level.
    initial_loss_limits = (50.0, 1000.0)

    def __init__(self, *, mean: Sequence[float] = (0.0,), deviation: Sequence[float] = (1.0,)) -> None:
        self.mean = tuple(mean)
        self.deviation = tuple(deviation)
        self.count = len(self.mean)
        self.labels = ()

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> Regress:
        """Build the task; it has no settings."""
        return cls(mean=targets.mean, deviation=targets.deviation)

    @classmethod
    def fit_targets(cls, targets: Array, labels: Sequence[str]) -> TargetFacts:
        """Return mean and standard deviation of each number; 1 is the standard deviation of a constant."""
        columns = targets.reshape(len(targets), -1).astype(np.float64).T
        found = [mean_and_deviation(column) for column in columns]
        return TargetFacts(
            count=len(found),
            mean=tuple(mean for mean, _ in found),
            deviation=tuple(deviation or 1.0 for _, deviation in found),
        )

    @classmethod
    def for_network(cls, recipe: Any, outputs: int, *, targets: Tensor) -> Regress:
        """Build the task for batches whose targets are not standardised."""
        count = 1 if targets.ndim == 1 else targets.shape[1]
        return cls(mean=(0.0,) * count, deviation=(1.0,) * count)

    @property
    def outputs(self) -> int:
        """One output for each number."""
        return self.count

    @property
    def targets(self) -> TargetFacts:
        """Count, mean and deviation."""
        return TargetFacts(self.count, (), self.mean, self.deviation)

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the squared error of each example, averaged over its numbers, (batch,)."""
        predicted = main_output(outputs)
        targets = batch.targets.to(predicted.dtype).reshape(len(batch), -1)
        if predicted.numel() != targets.numel():
            raise ShapeError(
                f"The network must return {targets.shape[1]} numbers per example, got {tuple(predicted.shape)} "
                f"for {len(batch)} examples. Give its last layer {targets.shape[1]} outputs."
            )
        return {"squared_error": (predicted.reshape(targets.shape) - targets).square().mean(dim=1)}

    def chance_loss(self, targets: Array) -> float:
        """Return the variance of the targets, averaged over the numbers of an example.

        >>> Regress().chance_loss(np.array([0.0, 2.0]))
        1.0
        """
        return float(targets.reshape(len(targets), -1).astype(np.float64).var(axis=0).mean())

    def prepare_targets(self, targets: Array) -> Array:
        """Standardise targets, float32."""
        columns = targets.reshape(len(targets), -1)
        standardised: Array = ((columns - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)
        return standardised.reshape(targets.shape)

    def restore_targets(self, targets: Array) -> Array:
        """Return standardised targets in the original unit, float64."""
        return self._in_own_unit(targets.reshape(len(targets), -1)).reshape(targets.shape)

    def tally(self) -> RegressTally:
        """Return an empty tally."""
        return RegressTally(mean=self.mean, deviation=self.deviation)

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the numbers in the original unit of the targets."""
        predicted = main_output(outputs)
        values = self._in_own_unit(predicted.double().cpu().numpy().reshape(len(predicted), -1))
        return Prediction(values[:, 0] if values.shape[1] == 1 else values)

    def known_fraction(self, outputs: Outputs, batch: Batch) -> float:
        """Return the fraction of the targets' variance that is predicted."""
        targets = batch.targets.double()
        spread = (targets - targets.mean(dim=0)).square().mean().item()
        return 1 - self.loss(outputs, batch).item() / spread

    def words(self, target: Any) -> str:
        """Return the numbers with four digits."""
        return ", ".join(f"{number:.4g}" for number in np.atleast_1d(target))

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate the mean and linear regression."""
        mean = train[1].reshape(len(train[1]), -1).mean(axis=0)
        return [constant(self, "mean", outputs=mean, targets=test[1]), *linear_regression(self, train, test=test)]

    def evidence(self, tally: Any) -> Mapping[str, Mapping[str, Any]]:
        """Return pairs of the first number, true and predicted."""
        true, predicted = (values[:, 0] for values in tally.pairs())
        chosen = np.linspace(0, len(true) - 1, min(_POINTS, len(true))).astype(int)
        return {"residuals": {"true": true[chosen].tolist(), "predicted": predicted[chosen].tolist()}}

    def _in_own_unit(self, columns: Array) -> Floats:
        values: Floats = columns * np.array(self.deviation) + np.array(self.mean)
        return values


@final
class RegressTally:
    """Predictions and targets of a split, in the original unit of the targets.

    Args:
        mean: mean of each target on the training split.
        deviation: standard deviation of each target on the training split.
    """

    def __init__(self, *, mean: Sequence[float], deviation: Sequence[float]) -> None:
        self._mean = np.array(mean)
        self._deviation = np.array(deviation)
        self._outputs: list[Array] = []
        self._targets: list[Array] = []

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Add a batch of outputs."""
        size = len(batch)
        self._outputs.append(main_output(outputs).double().cpu().numpy().reshape(size, -1))
        self._targets.append(batch.targets.double().cpu().numpy().reshape(size, -1))

    def merge(self, other: Self) -> None:
        """Add the predictions of another tally."""
        self._outputs += other._outputs
        self._targets += other._targets

    def pairs(self) -> tuple[Floats, Floats]:
        """Return (true, predicted), each (examples, numbers)."""
        true: Floats = np.concatenate(self._targets) * self._deviation + self._mean
        predicted: Floats = np.concatenate(self._outputs) * self._deviation + self._mean
        return true, predicted

    def scores(self) -> Scores:
        """Return r2, mean_squared_error and mean_absolute_error, averaged over the numbers of an example."""
        true, predicted = self.pairs()
        squared = ((true - predicted) ** 2).mean(axis=0)
        variance = true.var(axis=0)
        # As in scikit-learn: for constant targets, perfect predictions score 1 and all others 0.
        constant = (squared == 0).astype(np.float64)
        r2 = np.where(variance > 0, 1 - squared / np.where(variance > 0, variance, 1.0), constant)
        return {
            "r2": float(r2.mean()),
            "mean_squared_error": float(squared.mean()),
            "mean_absolute_error": float(np.abs(true - predicted).mean()),
        }
