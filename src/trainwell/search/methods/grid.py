"""Grid search."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import final

from trainwell.core.errors import UsageError
from trainwell.search.methods.method import Method
from trainwell.search.trials.space import Categorical, Configuration, Range, Space
from trainwell.search.trials.trial import Trial


@final
class GridSearch(Method):
    """A full grid, with equally many points along every range and all values of every choice.

    Args:
        space: the search space.
        trials: the most points the grid may have.
        seed: not used.
    Raises:
        UsageError: if the smallest grid, with two points along every range, has more points than `trials`.

    >>> GridSearch(Space({"nn.dropout": Range(0, 0.5)}), trials=3, seed=0).propose(range(3), [])
    [{'nn.dropout': 0.0}, {'nn.dropout': 0.25}, {'nn.dropout': 0.5}]
    """

    def __init__(self, space: Space, *, trials: int, seed: int) -> None:
        super().__init__(space, trials=trials, seed=seed)
        self._grid = _grid(space, trials)
        self.trials = len(self._grid)

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        return self._grid[numbers.start : numbers.stop]


def _grid(space: Space, most: int) -> list[Configuration]:
    choices = math.prod(len(setting.values) for setting in space.settings.values() if isinstance(setting, Categorical))
    ranges = sum(isinstance(setting, Range) for setting in space.settings.values())
    smallest = choices * 2**ranges
    if smallest > most:
        raise UsageError(
            f"A grid over these {len(space)} settings has at least {smallest:,} points, more than --trials {most:,}. "
            "Vary fewer settings, raise --trials, or use --method sobol."
        )
    steps = int((most / choices) ** (1 / ranges) + 1e-9) if ranges else 1
    axes = [setting.grid(steps) for setting in space.settings.values()]
    points = [space.active(dict(zip(space.settings, values, strict=True))) for values in itertools.product(*axes)]
    # Where a condition makes settings inactive, several points of the grid are the same configuration.
    unique = {tuple(point.items()): point for point in points}
    return list(unique.values())
