"""Detects the evaluations between the steps of a training, in which mode they are made, and which to measure."""

from __future__ import annotations

import enum
import sys
import weakref
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import final

from torch import nn

from trainwell.monitor.trainings.networks import depends_on_mode
from trainwell.monitor.trainings.training import Training

_STEPS = 3  # A line that switches gradients off in every step is no evaluation: so many steps must lie in between.
# Evaluations that are measured in any case, in a script too short for shares of its time to mean much. From then on one
# is due when a quarter more of them have passed: what goes wrong late must show too.
_ALWAYS_MEASURED = 12


class Phase(enum.Enum):
    """Where a script is with regard to evaluations."""

    TRAINING = "no evaluation since the last step"
    STARTING = "gradients are off, and the next forward pass belongs to an evaluation"
    RUNNING = "the network was called; the evaluation ends with the next step"


@final
class EvaluationSchedule:
    """Decides which evaluations are measured."""

    def __init__(self) -> None:
        self._passed = 0  # evaluations there were, measured or not
        self._due = 0  # the evaluation that must be measured whatever it costs

    def begin(self) -> None:
        """An evaluation begins."""
        self._passed += 1

    @property
    def is_due(self) -> bool:
        """Whether this evaluation must be measured."""
        return self._passed >= self._due

    def end_measured(self) -> None:
        """A measured evaluation ends."""
        gap = self._passed // 4 if self._passed >= _ALWAYS_MEASURED else 0
        self._due = self._passed + max(1, gap)


@final
class Evaluations:
    """Tells lines that switch gradients off once in a while from those that do so in every step."""

    def __init__(self) -> None:
        self.phase = Phase.TRAINING
        self.is_measured = False  # whether this evaluation is measured, in its whole length
        self.line: tuple[object, ...] = ()  # where the evaluation started
        self._schedule = EvaluationSchedule()
        self._steps: dict[tuple[object, int], int] = {}  # steps taken when a line was passed last
        self._depends_on_mode: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()

    @property
    def is_open(self) -> bool:
        """Whether there was an evaluation since the last step."""
        return self.phase is not Phase.TRAINING

    def gradients_off(self, frame: FrameType, steps: int, *, trainings: int, is_affordable: bool = True) -> bool:
        """Note a line that switches gradients off; return whether an evaluation starts there.

        Args:
            frame: where it is.
            steps: optimizer steps so far, of all trainings together.
            trainings: how many there are; each must have made progress.
            is_affordable: whether the budget pays for measuring an evaluation; some are measured anyway.
        """
        line = (frame.f_code, frame.f_lineno)
        starts = steps - self._steps.get(line, 0) >= _STEPS * trainings
        self._steps[line] = steps
        if starts:
            if not self.is_open:
                self._schedule.begin()
            self.is_measured |= is_affordable or self._schedule.is_due
            self.phase = Phase.STARTING
            self.line = line
        elif self.is_open:
            self.phase = Phase.RUNNING
        return starts

    def modes(self, module: nn.Module, trainings: Sequence[Training]) -> Iterator[tuple[Training, bool]]:
        """Yield the training that a network being evaluated belongs to, and whether it is in train mode.

        Networks that compute the same in both modes are left out, and networks that compete: what a generator is asked
        for between its steps are samples, which many draw in train mode on purpose (DCGAN).
        """
        self.phase = Phase.RUNNING
        own = {id(parameter) for parameter in module.parameters()}
        for training in trainings:
            if len(trainings) > 1 and not training.series.loss_means_progress:
                continue
            trained = training.optimizers.parameter_ids()
            if own & trained and not _is_recalibrating():
                if module not in self._depends_on_mode:
                    self._depends_on_mode[module] = depends_on_mode(module, trained)
                if self._depends_on_mode[module]:
                    yield training, module.training

    def close(self) -> bool:
        """End an evaluation; return whether it was measured."""
        was_measured = self.is_measured
        self.phase = Phase.TRAINING
        self.is_measured = False
        if was_measured:
            self._schedule.end_measured()
        return was_measured


def _is_recalibrating() -> bool:
    """Tell whether torch's `update_bn` is running, which is meant to run in train mode."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith("swa_utils.py"):
            return True
        frame = frame.f_back
    return False
