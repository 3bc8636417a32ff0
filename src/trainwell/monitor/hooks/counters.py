"""What hooks read and count at every pass and step, whether it is sampled or not."""

from __future__ import annotations

import enum
from typing import final

_LOSS_RESOLUTION = 32  # A loss that is recorded at step n is the mean over the last n / 32 backward passes.


@final
class PassCounter:
    """Counts backward passes."""

    def __init__(self) -> None:
        self.count = 0
        self.at_step = 0  # the count when an optimizer stepped last
        self._steps = 0  # optimizer steps at the newest pass

    def is_first_after(self, steps: int) -> bool:
        """Return whether the pass under way is the first since the last of so many optimizer steps; ask once a pass."""
        is_first = self._steps != steps
        self._steps = steps
        return is_first

    def note_step(self) -> bool:
        """An optimizer steps; return whether no backward pass lies between this step and the one before."""
        is_same = self.count == self.at_step
        self.at_step = self.count
        return is_same


@final
class LossMeter:
    """Adds up losses of backward passes: since the last record, and since the last evaluation."""

    def __init__(self) -> None:
        self.is_checked = True  # until a loss is NaN or infinite
        self.sum = 0.0
        self.count = 0
        self._due = 1  # losses until the next record
        self._epoch_sum = 0.0
        self._epoch_count = 0

    @property
    def is_due(self) -> bool:
        """Whether enough losses were added to record their mean."""
        return self.count >= self._due

    @property
    def is_partly_due(self) -> bool:
        """Whether a quarter of the losses of a record were added: enough for the last record of a training."""
        return self.count * 4 > self._due

    def take(self, step: int, *, scale: float) -> float:
        """Return the mean of the losses since the last record: every step at first, about 100 records in a long run.

        Args:
            step: number of the step.
            scale: what the losses were multiplied with.
        """
        mean = self.sum / self.count / scale
        self._epoch_sum += self.sum / scale
        self._epoch_count += self.count
        self.sum = 0.0
        self.count = 0
        self._due = 1 + step // _LOSS_RESOLUTION
        return mean

    def epoch_mean(self) -> float | None:
        """Return the mean of the recorded losses since the last evaluation; None if there are none."""
        return self._epoch_sum / self._epoch_count if self._epoch_count else None

    def start_epoch(self) -> None:
        """An evaluation has ended."""
        self._epoch_sum = 0.0
        self._epoch_count = 0


class Mode(enum.Enum):
    """What is observed until the next step."""

    SEARCHING = "all passes, because a training whose network is unknown is about to begin"
    SAMPLING = "all passes, because the next step is sampled"
    IN_STEP = "all passes, because a step that needs attention computes its loss in a closure"
    COUNTING = "nothing: passes and steps are only counted"


@final
class Listening:
    """What is observed until the next step.

    Args:
        passes: counts the backward passes.
    """

    def __init__(self, passes: PassCounter) -> None:
        self.mode = Mode.SEARCHING
        self.is_on = True  # whether every backward pass is reported; hooks read it at each
        self._passes = passes
        self._searching_since = 0  # backward passes when the search began

    def search(self) -> None:
        """Observe all passes until a step is sampled."""
        self._set(Mode.SEARCHING)
        self._searching_since = self._passes.count

    def enter_step(self) -> None:
        """A step that needs attention begins; its loss is computed inside."""
        self._set(Mode.IN_STEP)

    def end_step(self) -> None:
        """A step was sampled, or the next one prepared."""
        self._set(Mode.COUNTING)

    def update(self, *, is_prepared: bool) -> None:
        """Choose between sampling and counting, where neither a search nor a step is under way."""
        if self.mode in (Mode.SAMPLING, Mode.COUNTING):
            self._set(Mode.SAMPLING if is_prepared else Mode.COUNTING)

    @property
    def passes_waited(self) -> int:
        """Backward passes for which the step to sample has not come."""
        since = self._searching_since if self.mode is Mode.SEARCHING else self._passes.at_step
        return self._passes.count - since

    def _set(self, mode: Mode) -> None:
        self.mode = mode
        self.is_on = mode is not Mode.COUNTING
