"""What the loop is given: built objects, ready to train, and the state that changes while it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.protocols import Batches
from trainwell.core.contracts.task import Task
from trainwell.core.seeds import derive


@dataclass
class State:
    """Where a run stands; with the network's and the optimizer's tensors it is all that a resume needs.

    Args:
        step: optimizer steps taken.
        epoch: epochs finished.
        position: batches taken of the current epoch.
        micro_batch: examples per backward pass; 0 is the whole batch. Halved when memory runs out.
        evaluated: epochs that were evaluated.
        best_score: best main score on the validation split so far.
        best_loss: validation loss that went with it; it decides between equal scores.
        best_epoch: epoch in which it was reached, from 1; 0 before the first evaluation.
        best_step: steps taken when it was reached.
        rate_factor: what drops on plateaus have left of the learning rate.
        dropped_epoch: epoch of the last such drop.
        stop: why the run stops before its last epoch; empty while it goes on.
        loss_sum: sum of the epoch's losses so far, each times its batch's weight, on the device.
        weight: sum of these weights.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    micro_batch: int = 0
    evaluated: int = 0
    best_score: float = -math.inf
    best_loss: float = math.inf
    best_epoch: int = 0
    best_step: int = 0
    rate_factor: float = 1.0
    dropped_epoch: int = 0
    stop: str = ""
    loss_sum: Tensor = field(default_factory=lambda: torch.zeros(()))
    weight: float = 0.0

    def goes_on(self, epochs: int) -> bool:
        """Tell whether there is more to do in a run of so many epochs."""
        return self.epoch < epochs and not self.stop

    def advance(self, loss: Tensor, *, weight: float, batches: int) -> None:
        """Count one step; the last batch of an epoch ends it.

        Args:
            loss: 0-d, the step's loss.
            weight: how much its batch counts in the epoch's mean, see `Task.weight`.
            batches: batches of an epoch.
        """
        self.loss_sum.add_(loss, alpha=weight)
        self.weight += weight
        self.step += 1
        self.position += 1
        if self.position == batches:
            self.position = 0
            self.epoch += 1


@dataclass(frozen=True)
class Feed:
    """Where batches come from, and what happens to each before the network sees it.

    Args:
        batches: the training split.
        device: where to compute.
        prepare: puts a batch on the device and augments it.
    """

    batches: Batches
    device: torch.device
    prepare: Callable[[Batch], Batch]


@dataclass(frozen=True)
class Optimization:
    """What changes the weights in a step.

    Args:
        optimizer: changes the weights.
        rate: learning rate as a function of the step.
        update: guards, clips, steps, constrains and averages; given the step's number and loss.
        arrange: puts in place which layers learn in an epoch; called before every step.
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
        task: what is learned.
        feed: the batches.
        optimization: what changes the weights.
        epochs: planned epochs.
        seed: all randomness of a step is a function of (seed, epoch, step).
        after_step: evaluates, checkpoints, stops; called when a step is complete.
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
        """Where it computes."""
        return self.feed.device

    def begin(self, state: State) -> None:
        """Put everything a step depends on in place: the random generators and the learning rate."""
        seed = derive(self.seed, "step", epoch=state.epoch, step=state.step)
        torch.default_generator.manual_seed(seed)
        if self.feed.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif self.feed.device.type == "mps":
            torch.mps.manual_seed(seed)
        rate = self.optimization.rate(state.step) * state.rate_factor
        for group in self.optimization.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        self.optimization.arrange(state.epoch)
        self.optimization.optimizer.zero_grad()
