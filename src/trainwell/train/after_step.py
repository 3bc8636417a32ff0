"""Between two steps: evaluate at the end of an epoch, save checkpoints, stop early or on a signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.contracts.protocols import Batches, Display, Recorder
from trainwell.core.contracts.task import Scores, Task
from trainwell.core.errors import Interrupted
from trainwell.train.average import Average, averaged_weights
from trainwell.train.early_stopping import BestWeights
from trainwell.train.evaluate import evaluate
from trainwell.train.finite import require_finite
from trainwell.train.interrupt import Interrupt
from trainwell.train.job import State
from trainwell.train.resume import Checkpoints


@final
class Evaluation:
    """Evaluates splits, with the averaged weights if there are any.

    Args:
        model: the network.
        task: the task.
        splits: batches of each split by name, in the order of evaluation.
        average: averaged weights, or None.
        device: device of the network.
        check: called before every batch; raises to stop.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        *,
        splits: Mapping[str, Batches],
        average: Average | None = None,
        device: torch.device | str = "cpu",
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.task = task
        self.splits = splits
        self._average = average
        self._device = device
        self._check = check

    @contextmanager
    def scored(self) -> Iterator[dict[str, Scores]]:
        """Yield the scores of each split; until the context ends, the network has the evaluated weights."""
        with averaged_weights(self._average):
            yield {name: self.score(batches) for name, batches in self.splits.items()}

    def score(self, batches: Batches) -> Scores:
        """Return the scores of one split with the current weights of the network."""
        return evaluate(self.model, self.task, batches=batches, device=self._device, check=self._check)[0]


@final
class EpochEnd:
    """Evaluates, keeps the best weights and records the epoch.

    Args:
        evaluation: evaluates the splits.
        best: keeps the best weights by the scores of "validation", if that is a split.
        optimizer: its learning rate is recorded.
        unless_better: called in this order after an epoch without a better score, to lower the learning rate or stop
            the run.
        check: raises if the weights of the epoch must not be used.
        recorder: records scores and events.
        display: shows the numbers of every epoch.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        best: BestWeights,
        *,
        optimizer: Optimizer,
        unless_better: Sequence[Callable[[State], None]] = (),
        check: Callable[[], None] = lambda: None,
        recorder: Recorder,
        display: Display,
    ) -> None:
        self.evaluation = evaluation
        self.best = best
        self.unless_better = unless_better
        self._optimizer = optimizer
        self._check = check
        self._recorder = recorder
        self._display = display

    def __call__(self, state: State) -> None:
        """Evaluate and record a finished epoch.

        Raises:
            Interrupted: by a signal, before anything is recorded.
            DivergedError: if the weights or the epoch's loss are not finite.
        """
        self._check()
        loss = (state.current.loss_sum / max(state.current.weight, 1e-12)).item()
        with self.evaluation.scored() as scores:
            require_finite(self.evaluation.model, loss=loss, learning_rate=self._learning_rate)
            self.judge(state, scores.get("validation", {}))
        state.validation.evaluated = state.epoch
        state.current.loss_sum.zero_()
        state.current.weight = 0.0
        self._record(state, loss, scores=scores)

    def judge(self, state: State, scores: Scores) -> None:
        """Keep the weights if these scores are the best so far; otherwise call `unless_better`."""
        if scores and not self.best.improve(state, scores):
            for react in self.unless_better:
                react(state)

    @property
    def _learning_rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    def _record(self, state: State, loss: float, *, scores: Mapping[str, Scores]) -> None:
        numbers = {"loss/train": loss}
        self._recorder.signal("loss/train_epoch", state.step, value=loss)
        for split, values in scores.items():
            self._recorder.score(state.epoch, state.step, split=split, scores=values)
            for name, value in values.items():
                if split == "train" and name == "loss":
                    continue  # replaced by the mean over the epoch
                key = f"loss/{split}" if name == "loss" else f"score/{split}/{name}"
                self._recorder.signal(key, state.step, value=value)
                numbers[key] = value
        numbers["learning_rate"] = self._learning_rate
        self._recorder.signal("learning_rate", state.step, value=numbers["learning_rate"])
        is_best = state.validation.best_step == state.step
        if is_best:
            value = state.validation.best_score
            best = {"epoch": state.epoch, "step": state.step, "score": self.best.score, "value": value}
            self._recorder.event("best", best)
        if state.stop:
            self._recorder.event("stopped", {"why": state.stop})
        self._display.epoch(state.epoch, numbers, best=is_best)


@final
class AfterStep:
    """Called after every step: ends the epoch, saves checkpoints and stops on a signal.

    Args:
        epoch_end: called when an epoch is over.
        checkpoints: of the run.
        interrupt: polled after every step.
        recorder: flushed when it is due.
    """

    def __init__(
        self, epoch_end: EpochEnd, checkpoints: Checkpoints, *, interrupt: Interrupt, recorder: Recorder
    ) -> None:
        self.epoch_end = epoch_end
        self.checkpoints = checkpoints
        self._interrupt = interrupt
        self._recorder = recorder

    def __call__(self, state: State) -> None:
        """End the epoch, save a checkpoint or stop, if due after this step."""
        if state.current.position == 0:
            self._end_epoch(state)
        if self._interrupt.signal_number:
            self.checkpoints.save(state)
            self._interrupt.check()
        self.checkpoints.save_if_due(state)
        self._recorder.flush_if_due()

    def complete(self, state: State) -> None:
        """Make up for the evaluation that an interruption prevented."""
        if state.current.position == 0 and state.validation.evaluated < state.epoch:
            self._end_epoch(state)

    def _end_epoch(self, state: State) -> None:
        try:
            self.epoch_end(state)
        except Interrupted:
            self.checkpoints.save(state)
            raise
