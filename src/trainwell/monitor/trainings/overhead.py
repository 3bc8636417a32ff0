"""What watching has cost, and when the rules may be run again."""

from __future__ import annotations

import time
from typing import final

_JUDGING_SHARE = 0.3  # Share of the budget for running the rules during training.


@final
class Overhead:
    """The time that watching takes, from the first training to the last step.

    Args:
        budget: watching time as a fraction of training time, for all trainings together.
    """

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.unassigned = 0.0  # seconds of watching that belong to no training
        self._started = 0.0  # when the first training began
        self._last_step = 0.0  # when the last step was seen
        self._judged = 0.0  # when the rules were run last
        self._judging_seconds = 0.0  # what that took

    def start(self) -> None:
        """A training begins."""
        self._started = self._started or time.perf_counter()

    def note_step(self) -> None:
        """A step is made."""
        self._last_step = time.perf_counter()

    def fraction(self, seconds: float) -> float:
        """Return seconds of watching over the time spent on everything else; 0 before the first step."""
        return seconds / max(self._last_step - self._started - seconds, 1e-9) if self._last_step else 0.0

    @property
    def allows_judging(self) -> bool:
        """Whether the budget pays for running the rules now."""
        since = time.perf_counter() - self._judged
        return since * self.budget * _JUDGING_SHARE > self._judging_seconds

    def note_judging(self, began: float) -> None:
        """Note that the rules were run, from `began` (of `time.perf_counter`) to now."""
        self._judged = time.perf_counter()
        self._judging_seconds = self._judged - began
