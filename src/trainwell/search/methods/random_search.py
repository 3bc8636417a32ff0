"""Random search (Bergstra and Bengio 2012)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from trainwell.search.methods.method import Method
from trainwell.search.methods.points import random_points
from trainwell.search.trials.space import Configuration
from trainwell.search.trials.trial import Trial


@final
class RandomSearch(Method):
    """Independent random configurations; all train to the end."""

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        points = random_points(numbers, dimensions=len(self.space), seed=self.seed)
        return [self.space.at(point) for point in points]
