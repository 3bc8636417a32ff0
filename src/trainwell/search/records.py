"""The state of a running search: its finished trials, the time it takes, and study.json."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import final

from trainwell.search.store import TrialStore
from trainwell.search.study import Conclusions, Study, Winner
from trainwell.search.trials.trial import Trial

_LEADERS = 5  # trials that are shown while the search runs
# study.json is written for readers, while the database has everything: at most every 2 seconds, so that writing takes
# 1 % of the time, but at least every 30 seconds.
_SAVE_SECONDS = 2.0
_SAVE_INTERVALS = 100
_SAVE_LATEST = 30.0


@final
class TimeEstimate:
    """How long a search has taken, and an estimate of how much longer it takes.

    Work is counted in full trainings: one configuration over all its epochs and folds.

    Args:
        before: seconds the search took before it was resumed.
    """

    def __init__(self, before: float) -> None:
        self.seconds_per_training = 0.0  # an estimate at first, then measured
        self.ahead = 0.0  # full trainings to do
        self._before = before
        self._started = time.monotonic()
        self._updated = self._started
        self._done = 0.0  # full trainings
        self._training_seconds = 0.0

    def add(self, work: float, seconds: float) -> None:
        """Note the time that some full trainings took."""
        self._updated = time.monotonic()
        self._done += work
        self._training_seconds += seconds
        self.ahead = max(0.0, self.ahead - work)
        self.seconds_per_training = self._training_seconds / max(self._done, 1e-9)

    @property
    def seconds(self) -> float:
        """Duration of the search so far, over all resumes."""
        return self._before + time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Estimated seconds to the end; 0 if unknown."""
        return max(0.0, self.ahead * self.seconds_per_training - (time.monotonic() - self._updated))


@final
class Records:
    """The finished trials of a search, in memory, in the database and in study.json.

    Args:
        study: the study so far.
        store: its database.
    """

    def __init__(self, study: Study, store: TrialStore) -> None:
        self.study = study
        self.store = store
        self.time = TimeEstimate(study.execution.seconds)
        self.leaders: list[Trial] = []
        self.diverged = 0
        self._trials: dict[int, Trial] = {}
        self._saved = 0.0
        self._save_interval = _SAVE_SECONDS
        self._merge(store.load())
        missing = [trial for trial in study.trials if trial.number not in self._trials]
        store.add(missing)  # the database was lost
        self._merge(missing)

    def __len__(self) -> int:
        """Number of finished trials."""
        return len(self._trials)

    @property
    def trials(self) -> list[Trial]:
        """The finished trials by number."""
        return [self._trials[number] for number in sorted(self._trials)]

    def is_open(self, number: int) -> bool:
        """Return True if a trial is not finished, or has to be repeated because it was interrupted."""
        return number not in self._trials or self._trials[number].is_interrupted

    def any_open(self, numbers: range) -> bool:
        """Return True if one of these trials is not finished."""
        return any(map(self.is_open, numbers))

    def add(self, trials: Sequence[Trial]) -> None:
        """Record finished trials."""
        self.store.add(trials)
        self._merge(trials)

    def refresh(self) -> None:
        """Take over the trials that other processes have finished."""
        if self.store.shared:
            self._merge(self.store.load())

    def save(
        self, *, status: str | None = None, conclusions: Conclusions | None = None, winner: Winner | None = None
    ) -> None:
        """Write study.json with everything known now.

        Args:
            status: the new status; None keeps it, as for the others.
            conclusions: the new conclusions.
            winner: the new winner.
        """
        study = self.study
        execution = replace(
            study.execution,
            status=study.status if status is None else status,
            seconds=self.time.seconds,
            left=self.time.left,
        )
        self.study = replace(
            study,
            trials=tuple(self.trials),
            execution=execution,
            conclusions=study.conclusions if conclusions is None else conclusions,
            winner=study.winner if winner is None else winner,
        )
        started = time.monotonic()
        self.study.save()
        self._saved = time.monotonic()
        wanted = max(_SAVE_SECONDS, _SAVE_INTERVALS * (self._saved - started))
        self._save_interval = min(wanted, _SAVE_LATEST)

    def save_if_due(self) -> None:
        """Write study.json if the last time is long enough ago."""
        if time.monotonic() - self._saved > self._save_interval:
            self.save()

    def _merge(self, trials: Sequence[Trial]) -> None:
        new = [trial for trial in trials if self.is_open(trial.number)]
        self._trials |= {trial.number: trial for trial in new}
        self.leaders = sorted([*self.leaders, *new], key=lambda trial: trial.rank)[:_LEADERS]
        self.diverged += sum(trial.state == "diverged" for trial in new)
