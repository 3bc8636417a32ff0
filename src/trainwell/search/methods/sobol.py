"""Search along a Sobol sequence: like random search, but it covers the space more evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from trainwell.search.methods.method import Method
from trainwell.search.methods.points import sobol_points
from trainwell.search.trials.space import Configuration
from trainwell.search.trials.trial import Trial


@final
class SobolSearch(Method):
    """Configurations of a scrambled Sobol sequence; all train to the end."""

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        points = sobol_points(numbers, dimensions=len(self.space), seed=self.seed)
        return [self.space.at(point) for point in points]
