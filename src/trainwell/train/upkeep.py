"""What happens between two steps: evaluate when an epoch ends, checkpoint on time, stop when there is reason to."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.errors import DamagedError, DivergedError, Interrupted
from trainwell.core.protocols import Batches, Display, Recorder
from trainwell.core.task import Task
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint
from trainwell.train.evaluate import evaluate
from trainwell.train.interrupt import Interrupt
from trainwell.train.job import State
from trainwell.train.update import Average, Update

Row = dict[str, float]


@dataclass
class Upkeep:
    """Evaluates, remembers the best weights, checkpoints and decides to stop; called after every step.

    Args:
        model: the network.
        task: its task.
        optimizer: its optimizer.
        update: its guard is asked at the end of an epoch.
        recorder: where scores and events go.
        folder: where checkpoints go.
        validation: the split to choose on; None evaluates nothing.
        sample: training examples that are scored beside it; None for none.
        average: averaged weights, which are evaluated instead of the live ones.
        interrupt: polled after every step and before every batch of an evaluation.
        device: where the network is.
        patience: epochs without a better score before the run stops; 0 for never.
        checkpoint_seconds: time between checkpoints; 0 after every step.
        display: shown the numbers of every epoch.
        plateau: epochs without a better score before the rate drops, and the factor of a drop; (0, 1) for never.
    """

    model: nn.Module
    task: Task
    optimizer: Optimizer
    update: Update
    recorder: Recorder
    folder: Path
    validation: Batches | None
    sample: Batches | None
    average: Average | None
    interrupt: Interrupt
    device: torch.device
    patience: int
    checkpoint_seconds: float
    display: Display
    plateau: tuple[int, float] = (0, 1.0)
    best: dict[str, Tensor] | None = None
    _saved: float = field(default_factory=time.monotonic)
    _saved_step: int = -1

    def __call__(self, state: State) -> None:
        """Do what is due after a step."""
        if state.position == 0:
            self._end_epoch(state)
        if self.interrupt.signal_number:
            self.save(state)
            self.interrupt.check()
        if time.monotonic() - self._saved >= self.checkpoint_seconds:
            self.save(state)
        self.recorder.flush_if_due()

    def save(self, state: State) -> None:
        """Write a checkpoint of everything the run depends on, once per step at most.

        Every checkpoint holds the best weights so far, so that the best never depends on which ones are kept.
        """
        if state.step == self._saved_step:
            return
        self.recorder.progress(state.step)
        self.recorder.flush()  # first, so that a checkpoint is never ahead of the numbers
        started = time.monotonic()
        self.update.raise_if_bad()
        parts: dict[str, Mapping[str, Any]] = {
            "model": self.model.state_dict(),
            "optim": self.optimizer.state_dict(),
            "state": {entry.name: getattr(state, entry.name) for entry in dataclasses.fields(state)},
        }
        if self.average:
            parts["average"] = {"weights": self.average.weights}
        if self.best is not None:
            parts["best"] = self.best
        save_checkpoint(self.folder, parts, step=state.step, warn=self._warn)
        self._saved, self._saved_step = time.monotonic(), state.step
        self.recorder.event("checkpoint", {"step": state.step, "seconds": self._saved - started})

    def restore(self) -> tuple[State, tuple[str, ...]]:
        """Load the newest intact checkpoint into the network and the optimizer.

        Returns:
            the state, and one sentence for each damaged checkpoint that was passed over.
        """
        found = load_checkpoint(self.folder)
        parts = found.parts
        try:
            self.model.load_state_dict(parts["model"])
            self.optimizer.load_state_dict(parts["optim"])
            state = State(**parts["state"])
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            reason = " ".join(str(problem).split())
            raise DamagedError(
                f"The checkpoint of step {found.step} in {self.folder} does not fit this run's recipe: {reason}"
            ) from None
        state.loss_sum = state.loss_sum.to(self.device)
        if self.average and "average" in parts:
            for live, saved in zip(self.average.weights, parts["average"]["weights"], strict=True):
                live.copy_(saved)
        self.best = parts.get("best")
        self._saved_step = state.step
        return state, found.skipped

    def complete(self, state: State) -> None:
        """Do the evaluation that an interruption left undone."""
        if state.position == 0 and state.evaluated < state.epoch:
            self._end_epoch(state)

    def finish(self) -> None:
        """Put the best weights (or the averaged ones) into the network."""
        if self.best is not None:
            self.model.load_state_dict(self.best)
        elif self.average:
            self.average.swap()

    def _end_epoch(self, state: State) -> None:
        self.update.raise_if_bad()
        row: Row = {"loss/train": (state.loss_sum / max(state.weight, 1e-12)).item()}
        if self.average:
            self.average.swap()
        try:
            scores = {"train": self._score(self.sample), "validation": self._score(self.validation)}
            self._refuse_non_finite(row["loss/train"])
            self._compare(state, scores["validation"])
        except Interrupted:
            if self.average:
                self.average.swap()
            self.save(state)
            raise
        if self.average:
            self.average.swap()
        state.evaluated = state.epoch
        state.loss_sum.zero_()
        state.weight = 0.0
        self._record(state, row, scores)

    def _warn(self, sentence: str) -> None:
        self.recorder.event("warning", {"text": sentence})

    def _score(self, batches: Batches | None) -> dict[str, float]:
        if batches is None:
            return {}
        scores, _ = evaluate(self.model, self.task, batches, device=self.device, check=self.interrupt.check)
        return scores

    def _compare(self, state: State, scores: Mapping[str, float]) -> None:
        if not scores:
            return
        score, loss = scores[self.task.main_score], scores["loss"]
        # NaN compares as false both ways, so it can never become the best.
        if score > state.best_score or (score == state.best_score and loss < state.best_loss):
            state.best_score, state.best_loss = score, loss
            state.best_epoch, state.best_step = state.epoch, state.step
            self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            return
        epochs, factor = self.plateau
        if epochs and state.epoch - max(state.best_epoch, state.dropped_epoch) >= epochs:
            state.rate_factor *= factor
            state.dropped_epoch = state.epoch
        if self.patience and state.epoch - state.best_epoch >= self.patience:
            state.stop = f"no better validation {self.task.main_score} for {self.patience} epochs"

    def _record(self, state: State, row: Row, scores: Mapping[str, Mapping[str, float]]) -> None:
        self.recorder.signal("loss/train_epoch", state.step, row["loss/train"])
        for split, values in scores.items():
            if values:
                self.recorder.score(state.epoch, state.step, split, values)
            for name, value in values.items():
                key = f"loss/{split}" if name == "loss" else f"score/{split}/{name}"
                if split == "validation" or name != "loss":
                    self.recorder.signal(key, state.step, value)
                    row[key] = value
        row["learning_rate"] = self.optimizer.param_groups[0]["lr"]
        self.recorder.signal("learning_rate", state.step, row["learning_rate"])
        if state.best_step == state.step:
            best = {"epoch": state.epoch, "step": state.step, "score": self.task.main_score, "value": state.best_score}
            self.recorder.event("best", best)
        if state.stop:
            self.recorder.event("stopped", {"why": state.stop})
        self.display.epoch(state.epoch, row, state.best_step == state.step)

    def _refuse_non_finite(self, loss: float) -> None:
        weights = [tensor for tensor in self.model.state_dict().values() if tensor.is_floating_point()]
        finite = (
            torch.stack([norm.isfinite() for norm in torch._foreach_norm(weights)]).all().item() if weights else True
        )
        if not finite or not math.isfinite(loss):
            rate = self.optimizer.param_groups[0]["lr"]
            raise DivergedError(
                f"{'The weights' if not finite else 'The loss'} stopped being finite numbers. The learning rate was "
                f"{rate:.3g}: try --set optim.learning_rate={rate / 10:.2g}, or --set train.clip_norm=1."
            )
