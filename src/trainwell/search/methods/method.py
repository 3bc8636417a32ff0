"""The interface of a search method."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from trainwell.core.errors import UsageError
from trainwell.search.trials.space import Configuration, Space
from trainwell.search.trials.trial import Trial


class Method(ABC):
    """Proposes the configurations of a search.

    What `propose` returns must be a function of its arguments, the space and the seed, so that a search that is
    resumed tries what it would have tried. Only `propose` has to be written; the other methods have defaults.

    Args:
        space: the search space.
        trials: how many configurations to try; for a grid, the most it may have.
        seed: the seed of the search.
    Raises:
        UsageError: for fewer than 1 trial, or a space the method cannot search.
    """

    def __init__(self, space: Space, *, trials: int, seed: int) -> None:
        if trials < 1:
            raise UsageError(f"--trials must be at least 1, got {trials}.")
        self.space = space
        self.trials = trials
        self.seed = seed

    @abstractmethod
    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number.

        Args:
            numbers: consecutive trial numbers, from 0.
            history: the finished trials, by number.
        """

    def group_size(self, first: int, *, width: int, shared: bool = False) -> int:
        """Return how many trials to propose and train together.

        Args:
            first: number of the first of them.
            width: how many train efficiently at once.
            shared: True if other processes take part in the same search.
        """
        return max(1, min(width, self.trials - first))

    def rungs(self, epochs: int) -> list[float]:
        """Return after which fractions of its epochs a trial is scored; the last is 1, the end of its training."""
        return [1.0]

    def survivors(self, count: int, rung: int) -> int:
        """Return how many of `count` trials that started together train on after a rung, numbered from 0."""
        return count

    def full_trainings(self, count: int, epochs: int) -> float:
        """Return to how many full trainings a group of `count` trials amounts."""
        work = []
        training = count
        before = 0.0
        for rung, fraction in enumerate(self.rungs(epochs)):
            work.append(training * (fraction - before))
            training = self.survivors(count, rung)
            before = fraction
        return math.fsum(work)
