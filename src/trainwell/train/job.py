"""The arguments of the loop: built objects, and the state that changes during training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.protocols import Batches
from trainwell.core.contracts.task import Task
from trainwell.core.seeds import derive


@dataclass
class EpochProgress:
    """Progress within the current epoch.

    Args:
        position: batches taken.
        loss_sum: 0-d, sum of the losses so far, each times its batch's weight, on the device.
        weight: sum of these weights.
    """

    position: int = 0
    loss_sum: Tensor = field(default_factory=lambda: torch.zeros(()))
    weight: float = 0.0


@dataclass
class ValidationProgress:
    """What was evaluated, and the best of it.

    Args:
        evaluated: epochs that were evaluated.
        best_score: best main score on the validation split so far.
        best_loss: validation loss of that epoch; decides between equal scores.
        best_epoch: that epoch, from 1; 0 before the first evaluation.
        best_step: number of steps taken by then.
    """

    evaluated: int = 0
    best_score: float = -math.inf
    best_loss: float = math.inf
    best_epoch: int = 0
    best_step: int = 0


@dataclass
class RateReduction:
    """Reductions of the learning rate on plateaus.

    Args:
        rate_factor: their product.
        dropped_epoch: epoch of the last one.
    """

    rate_factor: float = 1.0
    dropped_epoch: int = 0


@dataclass
class State:
    """Progress of a run; together with the tensors of network and optimizer it is all that resuming needs.

    Args:
        step: optimizer steps taken.
        epoch: epochs finished.
        micro_batch: examples per backward pass; 0 is the whole batch. Halved when memory runs out.
        stop: why the run stops before its last epoch; empty otherwise.
        current: progress within the current epoch.
        validation: what was evaluated.
        reduction: reductions of the learning rate.
    """

    step: int = 0
    epoch: int = 0
    micro_batch: int = 0
    stop: str = ""
    current: EpochProgress = field(default_factory=EpochProgress)
    validation: ValidationProgress = field(default_factory=ValidationProgress)
    reduction: RateReduction = field(default_factory=RateReduction)

    @classmethod
    def before_training(cls, device: torch.device, *, micro_batch: int = 0) -> State:
        """Return the state before the first step, with its sums on a device."""
        return cls(micro_batch=micro_batch, current=EpochProgress(loss_sum=torch.zeros((), device=device)))

    def to_parts(self) -> dict[str, Any]:
        """Return all values by name, without nesting: the content of a checkpoint.

        >>> State(step=3).to_parts()["step"], sorted(State().to_parts())[:3]
        (3, ['best_epoch', 'best_loss', 'best_score'])
        """
        groups = (self.current, self.validation, self.reduction)
        own = {"step": self.step, "epoch": self.epoch, "micro_batch": self.micro_batch, "stop": self.stop}
        return own | {entry.name: getattr(group, entry.name) for group in groups for entry in fields(group)}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> State:
        """Return the state that `to_parts` wrote.

        Raises:
            TypeError: if a name is unknown.
        """
        left = dict(parts)

        def take(kind: type[Any]) -> Any:
            return kind(**{entry.name: left.pop(entry.name) for entry in fields(kind) if entry.name in left})

        groups = (take(EpochProgress), take(ValidationProgress), take(RateReduction))
        return cls(**left, current=groups[0], validation=groups[1], reduction=groups[2])

    def goes_on(self, epochs: int) -> bool:
        """Tell whether a run of this number of epochs continues."""
        return self.epoch < epochs and not self.stop

    def advance(self, loss: Tensor, *, weight: float, batches: int) -> None:
        """Count one step; the last batch of an epoch ends it.

        Args:
            loss: 0-d, the step's loss.
            weight: weight of the batch in the epoch's mean, see `Task.weight`.
            batches: number of batches in an epoch.
        """
        current = self.current
        current.loss_sum.add_(loss, alpha=weight)
        current.weight += weight
        self.step += 1
        current.position += 1
        if current.position == batches:
            current.position = 0
            self.epoch += 1


@dataclass(frozen=True)
class Feed:
    """The source of batches and their preparation.

    Args:
        batches: the training split.
        device: the device to train on.
        prepare: moves a batch to the device and augments it.
    """

    batches: Batches
    device: torch.device
    prepare: Callable[[Batch], Batch]


@dataclass(frozen=True)
class Optimization:
    """Optimizer, learning rate and update of the weights.

    Args:
        optimizer: the optimizer.
        rate: learning rate as a function of the step.
        update: guards, clips, steps, constrains and averages; called with number and loss of the step.
        arrange: freezes and unfreezes layers for an epoch; called before every step.
    """

    optimizer: Optimizer
    rate: Callable[[int], float]
    update: Callable[[int, Tensor], None]
    arrange: Callable[[int], None] = lambda epoch: None


@dataclass(frozen=True)
class Job:
    """Built objects, ready to train.

    Args:
        model: the network, on its device.
        task: the task.
        feed: source of the batches.
        optimization: optimizer, learning rate and update.
        epochs: planned number of epochs.
        seed: random seed; all randomness of a step is a function of (seed, epoch, step).
        after_step: evaluates, saves checkpoints, stops; called after every step.
    """

    model: nn.Module
    task: Task
    feed: Feed
    optimization: Optimization
    epochs: int
    seed: int
    after_step: Callable[[State], None]

    @property
    def device(self) -> torch.device:
        """The device to train on."""
        return self.feed.device

    def begin(self, state: State) -> None:
        """Prepare a step: seed the random generators, set the learning rate, freeze layers."""
        seed = derive(self.seed, "step", epoch=state.epoch, step=state.step)
        torch.default_generator.manual_seed(seed)
        if self.feed.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif self.feed.device.type == "mps":
            torch.mps.manual_seed(seed)
        rate = self.optimization.rate(state.step) * state.reduction.rate_factor
        for group in self.optimization.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        self.optimization.arrange(state.epoch)
        self.optimization.optimizer.zero_grad()
