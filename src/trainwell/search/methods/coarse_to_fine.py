"""Coarse to fine: the second half of the trials searches a small box around the best of the first half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from trainwell.search.methods.method import Method
from trainwell.search.methods.points import sobol_points
from trainwell.search.trials.space import Configuration, Range
from trainwell.search.trials.trial import Trial

_FINE = 0.25  # width of the box, as a fraction of each range


@final
class CoarseToFine(Method):
    """Configurations of a Sobol sequence: half over the whole space, half in a box around the best of them."""

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        points = sobol_points(numbers, dimensions=len(self.space), seed=self.seed)
        coarse = [trial for trial in history if trial.number < self._coarse]
        # Without coarse trials, other processes are still working on them.
        if numbers.start < self._coarse or not coarse:
            return [self.space.at(point) for point in points]
        best = min(coarse, key=lambda trial: trial.rank)
        return [self._near(point, best) for point in points]

    def group_size(self, first: int, *, width: int, shared: bool = False) -> int:
        """Return how many trials to train together: a group lies in one half."""
        end = self._coarse if first < self._coarse else self.trials
        return max(1, min(width, end - first))

    @property
    def _coarse(self) -> int:
        """The number of trials over the whole space."""
        return (self.trials + 1) // 2

    def _near(self, point: Sequence[float], best: Trial) -> Configuration:
        """Return a point of the box around the best trial, with the best trial's choices."""
        values: Configuration = {}
        for (key, setting), fraction in zip(self.space.settings.items(), point, strict=True):
            if isinstance(setting, Range):
                middle = setting.fraction(best.settings[key]) if key in best.settings else 0.5
                low = min(max(middle - _FINE / 2, 0.0), 1 - _FINE)
                values[key] = setting.at(low + fraction * _FINE)
            else:
                values[key] = best.settings.get(key, setting.at(fraction))
        return self.space.active(values)
