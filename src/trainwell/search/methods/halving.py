"""Successive halving: train many configurations for a few epochs, and only the best of them for more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

from trainwell.search.methods.method import Method
from trainwell.search.methods.points import sobol_points
from trainwell.search.trials.space import Configuration
from trainwell.search.trials.trial import Trial

_ETA = 3.0  # after each rung the best third trains on, as Li et al. 2018 (Hyperband, section 2.6) recommend
_MOST_RUNGS = 3
# Trials that compete with each other: bounds the memory, and what an interruption can lose. Fewer where they train
# one at a time, and where processes share a study, so that there is a group for each.
_GROUP = 243
_SMALL_GROUP = 27


@final
class SuccessiveHalving(Method):
    """Configurations of a Sobol sequence, of which the best third trains on after each rung (Jamieson 2016).

    Rungs lie at 1/9, 1/3 and all of the epochs, fewer where there are few epochs or trials.
    """

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        points = sobol_points(numbers, dimensions=len(self.space), seed=self.seed)
        return [self.space.at(point) for point in points]

    def group_size(self, first: int, *, width: int, shared: bool = False) -> int:
        """Return how many trials compete with each other."""
        competing = _GROUP if width > 1 and not shared else _SMALL_GROUP
        return max(1, min(competing, self.trials - first))

    def rungs(self, epochs: int) -> list[float]:
        """Return after which fractions of its epochs a trial is scored."""
        by_epochs = 1 + int(math.log(max(epochs, 1), _ETA) + 1e-9)
        by_trials = 1 + int(math.log(self.trials, _ETA))
        count = min(_MOST_RUNGS, by_epochs, by_trials)
        return [_ETA ** -float(rung) for rung in reversed(range(count))]

    def survivors(self, count: int, rung: int) -> int:
        """Return how many of `count` trials that started together train on after a rung."""
        return max(1, math.ceil(count / _ETA ** (rung + 1)))
