"""Finds the evaluations between the steps of a training, and in which mode the network is evaluated."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import final

from torch import nn

from trainwell.watching.track import Track, knows_modes, parameters_of

_STEPS = 3  # Gradients that are off for a part of each step are no evaluation: the line was passed fewer steps ago.


@final
class Evaluations:
    """Tells lines that switch gradients off once in a while from those that do so in every step."""

    def __init__(self) -> None:
        self.is_near = False  # gradients are off, and the next forward pass belongs to an evaluation
        self._steps: dict[tuple[object, int], int] = {}
        self._modes: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()

    def gradients_off(self, frame: FrameType, steps: int, *, trainings: int) -> None:
        """Take note of a line that switches gradients off.

        Args:
            frame: where it is.
            steps: optimizer steps so far, of all trainings together.
            trainings: how many there are; each must have gone on.
        """
        place = (frame.f_code, frame.f_lineno)
        self.is_near = steps - self._steps.get(place, 0) >= _STEPS * trainings
        self._steps[place] = steps

    def look(self, module: nn.Module, tracks: Sequence[Track]) -> Iterator[tuple[Track, bool]]:
        """Yield the training a network belongs to that is being evaluated, and whether it is in train mode.

        Networks that compute the same in both modes are left out.
        """
        self.is_near = False
        own = {id(parameter) for parameter in module.parameters()}
        for track in tracks:
            trained = {id(p) for optimizer in track.alive() for p in parameters_of(optimizer)}
            if own & trained and not _recalibrates():
                if module not in self._modes:
                    self._modes[module] = knows_modes(module, trained)
                if self._modes[module]:
                    yield track, module.training


def _recalibrates() -> bool:
    """Tell whether torch's `update_bn` is running, which is meant to run in train mode."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith("swa_utils.py"):
            return True
        frame = frame.f_back
    return False
