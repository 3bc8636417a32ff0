"""Measures evaluations: their loss and accuracy, and how their examples differ from those trained on."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from trainwell.monitor.autograd.reading import KIND_OF_FUNCTION
from trainwell.monitor.code.source_lines import user_frames
from trainwell.monitor.evaluations.splits import EvaluatedExamples, TrainingExamples, shift_signals
from trainwell.monitor.trainings.observations import Observations
from trainwell.monitor.trainings.training import Training

_BATCHES = 8  # of one evaluation place whose inputs are looked at
_CERTAIN = 14.0  # Examples that would have been expected of a class that was never seen: e^-14 is one in a million.
_FEWEST_OF_CLASS = 5


@final
class Scores:
    """Loss and accuracy of one evaluation, added up batch by batch."""

    def __init__(self) -> None:
        self.rows = 0
        self._loss = torch.zeros(())
        self._judged = 0  # targets for which a prediction is right or wrong
        self._right = torch.zeros(())

    def add_loss(self, mean: Tensor, rows: int) -> None:
        """Add the mean loss of a batch."""
        self.rows += rows
        self._loss = self._loss.to(mean.device) + mean * rows

    def add_right(self, right: Tensor, judged: int) -> None:
        """Add the number of right predictions of a batch."""
        self._right = self._right.to(right.device) + right
        self._judged += judged

    def signals(self) -> dict[str, float]:
        """Return loss and accuracy, as far as they are known."""
        found: dict[str, float] = {}
        if self.rows:
            found["loss/validation"] = float(self._loss) / self.rows
        if self._judged:
            found["score/validation/accuracy"] = float(self._right) / self._judged
        return found


@final
class EvaluationPlace:
    """What one place of the user's code evaluates, time after time."""

    def __init__(self) -> None:
        self.examples = EvaluatedExamples()
        self.scores = Scores()
        self.class_counts = torch.zeros(0)

    @property
    def wants_inputs(self) -> bool:
        """Whether further inputs are of use."""
        return len(self.examples.batches) < _BATCHES

    def count_classes(self, target: Tensor) -> None:
        """Add the classes of a batch."""
        counts = torch.bincount(target.flatten().clamp(min=0)).cpu().double()
        longest = max(len(counts), len(self.class_counts))
        padded = [nn.functional.pad(one.double(), (0, longest - len(one))) for one in (counts, self.class_counts)]
        self.class_counts = padded[0] + padded[1]

    def end(self) -> None:
        """End an evaluation."""
        self.examples.close()
        self.scores = Scores()


@final
class HeldOut:
    """Measures the evaluations of a training, and remembers the examples that it trains on."""

    def __init__(self) -> None:
        self.wants_inputs = False  # whether the inputs of further forward passes of this evaluation are of use
        self._places: dict[tuple[object, ...], EvaluationPlace] = {}
        self._place: EvaluationPlace | None = None  # where the evaluation under way takes place
        self._train = TrainingExamples()
        self._network: weakref.ref[nn.Module] | None = None  # the network whose inputs were taken in training
        self._trained: set[int] = set()  # `id`s of the parameters of the training, as they were at a step
        self._trained_at = -1
        self._closed = 0  # evaluations that were measured

    def start(self) -> None:
        """Start with another evaluation."""
        self._place = None

    def add_training_batch(
        self, training: Training, inputs: Tensor, *, observations: Observations, passes: float
    ) -> None:
        """Take the examples of a sampled training step, to compare those of evaluations with.

        Of the batches of an accumulated gradient only the last is taken; `passes` backward passes make a step.
        """
        network = observations.called_with(inputs)
        self._network = None if network is None else weakref.ref(network)
        self._train.add(inputs, observations.reading.target, step=training.step, passes=passes)
        if self._train.repeated is not None:
            training.series.signal("code/same_batch", training.step - 1, value=self._train.repeated)

    def record_target_relation(self, training: Training) -> None:
        """Record how strongly the targets of the training depend on its inputs."""
        for name, value in self._train.target_relation().items():
            training.series.signal(name, training.step, value=value)

    def add_call(
        self, training: Training, module: nn.Module, *, inputs: Sequence[Any], place: tuple[object, ...]
    ) -> None:
        """Take the inputs of a network in an evaluation that is measured.

        Args:
            training: the training it belongs to.
            module: the network that is called.
            inputs: its positional arguments.
            place: the line that started the evaluation.
        """
        own = {id(parameter) for parameter in module.parameters()}
        if not own:
            return  # a loss, which is a module too
        if self._trained_at != training.step:
            self._trained = training.optimizers.parameter_ids()
            self._trained_at = training.step
        if own.isdisjoint(self._trained):
            self._place = None
            return
        lines, loaders = _caller()
        current = self._places.setdefault((*place, *lines, *loaders), EvaluationPlace())
        self._place = current
        current.examples.is_one_loader = bool(loaders)
        # Of networks that are called one after the other the same one must be looked at as in training.
        network = None if self._network is None else self._network()
        given = inputs[0] if inputs else None
        if isinstance(given, Tensor) and current.wants_inputs and module is network:
            current.examples.add(given)
        self.wants_inputs = current.wants_inputs

    def add_loss(
        self, training: Training, name: str, *, inputs: Sequence[Any], options: Mapping[str, Any], result: Any
    ) -> None:
        """Take a loss that is computed in an evaluation, if it is of the kind the network is trained with.

        Args:
            training: the training the evaluation belongs to.
            name: name of the function of `torch.nn.functional`.
            inputs: its positional arguments: predictions and targets.
            options: its arguments by name.
            result: the loss.
        """
        place = self._place
        reading = training.targets.reading
        if place is None or len(inputs) < 2 or not all(isinstance(one, Tensor) for one in (*inputs[:2], result)):
            return
        outputs = inputs[0].detach()
        target = inputs[1].detach()
        is_other_numeric = reading.kind == "numbers" and (name == "mse_loss") != reading.is_squared
        if KIND_OF_FUNCTION[name] != reading.kind or is_other_numeric:
            return
        is_sum = options.get("reduction") == "sum" or options.get("size_average") is False
        if not outputs.ndim or not len(outputs) or (is_sum and not reading.reduction.is_mean):
            return  # a sum compares with the loss of the training only where that is known to be a mean
        mean = result.detach().double() / max(1, target.numel()) if is_sum else result.detach().double().mean()
        place.scores.add_loss(mean, len(outputs))
        self._add_right(place, reading.kind, outputs=outputs, target=target)

    def _add_right(self, place: EvaluationPlace, kind: str, *, outputs: Tensor, target: Tensor) -> None:
        if kind == "classes" and target.ndim + 1 == outputs.ndim and not target.is_floating_point():
            right = (outputs.argmax(1) == target).sum()
            if target.ndim == 1 and self._closed < _BATCHES:
                place.count_classes(target)
        elif kind in ("logits", "probabilities") and target.shape == outputs.shape:
            right = ((outputs > (0.0 if kind == "logits" else 0.5)) == (target > 0.5)).sum()
        else:
            return
        place.scores.add_right(right, target.numel())

    def close(self, training: Training, *, train_loss: float | None, is_last: bool = False) -> bool:
        """End an evaluation that was measured, and record what it tells of examples the network is not trained on.

        Args:
            training: the training it belongs to.
            train_loss: mean loss of the training since the evaluation before; None if it is unknown.
            is_last: whether the training is over.
        Returns:
            whether the evaluation had a loss.
        """
        self.wants_inputs = False
        self._closed += 1
        found: dict[str, float] = {}
        compare = is_last or self._closed & (self._closed - 1) == 0  # at powers of two: its examples stay the same
        for place in self._places.values():
            seen = place.examples.seen_in(self._train) if compare else None
            if not found and not place.examples.is_training_data:
                found |= place.scores.signals()
                if place.scores.rows:
                    training.held_out = place.scores.rows
                if compare:
                    shift = shift_signals(self._train.columns, place.examples.columns)
                    found |= {f"validation/{name}": value for name, value in shift.items()}
                    if seen is not None:
                        found["validation/seen_in_training_fraction"] = seen
                    found |= _class_signals(place.class_counts, training.targets.class_counts)
            place.end()
        has_loss = "loss/validation" in found
        if has_loss and train_loss is not None:
            found["loss/train_epoch"] = train_loss
        for name, value in found.items():
            training.series.signal(name, max(0, training.step - 1), value=value)
        return has_loss


def _caller() -> tuple[list[object], list[tuple[str, int]]]:
    """Return what tells one evaluation from another that runs through the same lines: calling lines and loaders."""
    frames = [frame for frame, _ in zip(user_frames(sys._getframe(1)), range(4), strict=False)]
    loaders = [
        (name, len(value.dataset) if hasattr(value.dataset, "__len__") else 0)
        for frame in frames[:2]
        for name, value in frame.f_locals.items()
        if isinstance(value, DataLoader)
    ]
    return [(frame.f_code, frame.f_lineno) for frame in frames[1:]], sorted(loaders)


def _class_signals(counts: Tensor, trained: Tensor | None) -> dict[str, float]:
    """Return the share of an evaluation whose class was never seen in training, and how much the class shares differ.

    Args:
        counts: examples of each class in the evaluation.
        trained: examples of each class in training; None if they are unknown.
    """
    if trained is None or not counts.sum() > 0:
        return {}
    known = nn.functional.pad(trained, (0, max(0, len(counts) - len(trained))))[: len(counts)]
    share = counts / counts.sum()
    missing = (known == 0) & (share * float(trained.sum()) > _CERTAIN) & (counts >= _FEWEST_OF_CLASS)
    return {
        "validation/missing_class_fraction": float(share[missing].sum()),
        "validation/class_distance": float((share - known / known.sum().clamp(min=1)).abs().sum()) / 2,
    }
