"""Optuna's tree-structured Parzen estimator (Bergstra et al. 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from trainwell.core.seeds import derive
from trainwell.search.methods.method import Method
from trainwell.search.trials.optuna_format import suggest, to_optuna_trial
from trainwell.search.trials.space import Configuration, Space
from trainwell.search.trials.trial import Trial

_SMALLEST_GROUP = 4  # trials proposed at once, at least: as few as a population needs to be faster
_GROUPS = 8  # the least number of groups, so that later ones learn from earlier ones


@final
class TreeParzenEstimator(Method):
    """Proposes where the trials so far make good scores likely; an eighth of the trials at a time.

    The history lives in an Optuna study in memory.

    Args:
        space: the search space.
        trials: how many configurations to try.
        seed: the seed of the search.
    """

    def __init__(self, space: Space, *, trials: int, seed: int) -> None:
        super().__init__(space, trials=trials, seed=seed)
        self._added: set[int] = set()
        self._study: Any = None

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[Configuration]:
        """Return one configuration for each trial number."""
        import optuna

        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(direction="maximize")
        new = [trial for trial in history if trial.number not in self._added]
        self._study.add_trials([to_optuna_trial(trial, self.space) for trial in new])
        self._added |= {trial.number for trial in new}
        seed = derive(self.seed, "tpe", epoch=numbers.start) % 2**32
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        asked = []
        configurations = []
        for _ in numbers:  # each one in turn: the sampler takes those that are still running into account
            trial = self._study.ask()
            configurations.append(self._configuration(trial))
            asked.append(trial)
        for trial in asked:  # their results are added later, under their numbers in this search
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return configurations

    def group_size(self, first: int, *, width: int, shared: bool = False) -> int:
        """Return how many trials to propose at once: few enough that later ones learn from earlier ones."""
        return max(1, min(width, max(_SMALLEST_GROUP, self.trials // _GROUPS), self.trials - first))

    def _configuration(self, trial: Any) -> Configuration:
        values: Configuration = {}
        for key, setting in self.space.settings.items():
            if self.space.is_active(key, values):
                values[key] = suggest(trial, key, setting=setting)
        return values
