"""Which steps are sampled: an overhead budget, not an interval."""

from __future__ import annotations

import time
from typing import final

_DENSE_SAMPLES = 6  # Steps 0, 1, 2, 4, 8 and 16 are always sampled: most faults show at once.
_EXPENSIVE_SAMPLES = 8  # Eight batches of 64 are the 512 examples for which a unit must be zero to count as dead.
_EXPENSIVE_INTERVAL = 4  # After that, every fourth sample reads the expensive probes.
_RESOLUTION = 256  # A run of n steps needs no finer series than n / 256: bounds what is stored.
_FREE_SECONDS = 0.04  # Probing time that need not be paid for, so that runs of a second or two are sampled well too.
_FREE_RESOLUTION = 16  # These samples are spread over the run: n / 16 steps apart.


@final
class SamplingSchedule:
    """Chooses the steps to sample so that the measured cost of probing stays within a budget.

    Steps 0, 1, 2, 4, 8 and 16 are sampled. From then on the next sample is due when the time that training itself has
    taken pays for all probing so far and for the next sample. Two exceptions: the first 40 ms of probing need not be
    paid for, and a sample is due at the latest when the run is twice as old, so that an expensive probe is still read
    a few times.

    Args:
        first: number of the first step; not 0 if the run is resumed.
        budget: probing time as a fraction of training time.
    """

    def __init__(self, *, first: int, budget: float) -> None:
        self.budget = budget
        self.next_sample = first
        self.spent = 0.0  # seconds of probing
        self._first = first
        self._samples = 0
        self._began = time.perf_counter()
        self._costs = {True: 0.0, False: 0.0}  # seconds of the last sample with expensive probes, and without

    @property
    def is_expensive(self) -> bool:
        """Whether the next sample reads the expensive probes."""
        return self._samples < _EXPENSIVE_SAMPLES or self._samples % _EXPENSIVE_INTERVAL == 0

    @property
    def overhead_fraction(self) -> float:
        """Time spent on probing over the time spent on everything else."""
        return self.spent / self._training_seconds()

    def sampled(self, step: int, *, seconds: float) -> None:
        """Note that a step was sampled at some cost, and choose the next."""
        self._costs[self.is_expensive] = seconds
        self._samples += 1
        self.spent += seconds
        self.next_sample = step + self._gap(step - self._first)

    def _gap(self, age: int) -> int:
        """Return in how many steps to sample again, `age` steps after the first."""
        if self._samples < _DENSE_SAMPLES:
            return max(1, age)
        training = self._training_seconds()
        owed = (self.spent + self._costs[self.is_expensive]) / self.budget - training
        affordable = owed / (training / age) + 1
        if self.spent < _FREE_SECONDS:
            affordable = min(affordable, age // _FREE_RESOLUTION)
        return int(min(max(1, affordable, age // _RESOLUTION), age))

    def _training_seconds(self) -> float:
        return max(time.perf_counter() - self._began - self.spent, 1e-9)
