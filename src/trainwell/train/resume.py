"""Saving and restoring everything that an exact resume needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.contracts.protocols import Recorder
from trainwell.core.errors import DamagedError
from trainwell.train.average import Average
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint
from trainwell.train.early_stopping import BestWeights
from trainwell.train.job import State


@dataclass(frozen=True)
class Contents:
    """The contents of a checkpoint besides the state.

    Args:
        model: the network.
        optimizer: its optimizer.
        best: the best weights so far, saved in every checkpoint, independent of which checkpoints are kept.
        average: averaged weights, or None.
    """

    model: nn.Module
    optimizer: Optimizer
    best: BestWeights
    average: Average | None = None

    def parts(self, state: State) -> dict[str, Mapping[str, Any]]:
        """Return the contents by name."""
        parts: dict[str, Mapping[str, Any]] = {
            "model": self.model.state_dict(),
            "optim": self.optimizer.state_dict(),
            "state": state.to_parts(),
        }
        if self.average:
            parts["average"] = {"weights": self.average.weights}
        if self.best.weights is not None:
            parts["best"] = self.best.weights
        return parts

    def load(self, parts: Mapping[str, Any]) -> State:
        """Restore everything and return the state.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: if the parts do not match the run.
        """
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict(parts["optim"])
        state = State.from_parts(parts["state"])
        if self.average and "average" in parts:
            for live, saved in zip(self.average.weights, parts["average"]["weights"], strict=True):
                live.copy_(saved)
        self.best.weights = parts.get("best")
        return state

    def use_final_weights(self) -> None:
        """Load the best weights (or the averaged ones) into the network."""
        if self.best.weights is not None:
            self.model.load_state_dict(self.best.weights)
        elif self.average:
            self.average.swap()


@final
class Checkpoints:
    """Saves a run's checkpoints and loads the newest intact one.

    Args:
        folder: folder of the checkpoints.
        contents: their contents.
        recorder: flushed before each save, so that the record is never behind a checkpoint.
        check: raises if the weights must not be saved.
        seconds: time between two checkpoints; 0 saves after every step.
    """

    def __init__(
        self,
        folder: Path,
        contents: Contents,
        *,
        recorder: Recorder,
        check: Callable[[], None] = lambda: None,
        seconds: float = 0.0,
    ) -> None:
        self._folder = folder
        self.contents = contents
        self._recorder = recorder
        self._check = check
        self._seconds = seconds
        self._saved = time.monotonic()
        self._saved_step = -1

    def save_if_due(self, state: State) -> None:
        """Save a checkpoint if enough time has passed since the last one."""
        if time.monotonic() - self._saved >= self._seconds:
            self.save(state)

    def save(self, state: State) -> None:
        """Save a checkpoint, at most once per step."""
        if state.step == self._saved_step:
            return
        self._recorder.progress(state.step)
        self._recorder.flush()
        started = time.monotonic()
        self._check()
        save_checkpoint(self._folder, self.contents.parts(state), step=state.step, warn=self._warn)
        self._saved = time.monotonic()
        self._saved_step = state.step
        self._recorder.event("checkpoint", {"step": state.step, "seconds": self._saved - started})

    def restore(self, *, device: torch.device) -> tuple[State, tuple[str, ...]]:
        """Load the newest intact checkpoint.

        Args:
            device: device of the sums of the state.
        Returns:
            the state, and a message for each damaged checkpoint that was skipped.
        Raises:
            StorageError: if there is none.
            DamagedError: if none is intact, or it does not match the recipe.
        """
        found = load_checkpoint(self._folder)
        try:
            state = self.contents.load(found.parts)
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            reason = " ".join(str(problem).split())
            raise DamagedError(
                f"The checkpoint of step {found.step} in {self._folder} does not match the recipe of this run: {reason}"
            ) from None
        state.current.loss_sum = state.current.loss_sum.to(device)
        self._saved_step = state.step
        return state, found.skipped

    def _warn(self, sentence: str) -> None:
        self._recorder.event("warning", {"text": sentence})
