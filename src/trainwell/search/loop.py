"""The loop of a search: propose configurations, train them, score them, stop the weaker ones, record the results."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import final

from trainwell.population.folds import Folds
from trainwell.population.result import ValidationResult
from trainwell.recipe import Recipe
from trainwell.recipe.edit import vary
from trainwell.search.compute.protocols import Pool, Runner, StopCheck
from trainwell.search.display import SearchDisplay, SearchProgress
from trainwell.search.methods import Method
from trainwell.search.records import Records
from trainwell.search.trials.space import Configuration
from trainwell.search.trials.trial import INTERRUPTED, Trial, ValidationScores

_TICK = 0.2  # seconds between two updates of the display during a training


class TimeUp(Exception):
    """The time limit of the search is reached."""


@dataclass(eq=False)
class _TrialInTraining:
    """A trial in training."""

    number: int
    settings: Configuration
    recipe: Recipe
    rungs: dict[int, float] = field(default_factory=dict)
    results: Sequence[ValidationResult] = ()
    seconds: float = 0.0
    epochs: int = 0

    def to_trial(self, state: str, main_score: str) -> Trial:
        """Return the finished trial; its state is "diverged" if the training of a fold diverged."""
        reason = next((result.reason for result in self.results if result.reason), "")
        scores = ValidationScores(rungs=self.rungs)
        if not reason:
            names = self.results[0].scores
            means = {name: statistics.fmean(o.scores.get(name, math.nan) for o in self.results) for name in names}
            scores = ValidationScores(
                means[main_score],
                {name: value for name, value in means.items() if math.isfinite(value)},
                folds=tuple(result.scores[main_score] for result in self.results),
                rungs=self.rungs,
            )
        return Trial(
            self.number,
            self.settings,
            state="diverged" if reason else state,
            validation=scores,
            epochs=self.epochs,
            seconds=self.seconds,
            reason=reason,
        )


@final
class SearchLoop:
    """One search under way.

    Args:
        records: the study, its finished trials and its database.
        data: the examples, in folds.
        method: proposes the configurations.
        pool: trains them.
        display: shows the progress.
    """

    def __init__(self, records: Records, data: Folds, *, method: Method, pool: Pool, display: SearchDisplay) -> None:
        self.records = records
        self.data = data
        self.method = method
        self.pool = pool
        self.display = display
        self._shown = time.monotonic()

    def run(self, check: StopCheck, *, target: float = math.inf) -> None:
        """Try every configuration that is planned and not yet tried.

        Args:
            check: called at every step; raises an exception to stop.
            target: stop as soon as a trial reaches this main score.
        Raises:
            TimeUp: or whatever else `check` raises; everything finished is recorded.
        """
        epochs = self.data.plan.recipe.train.epochs
        groups = {group: self.method.full_trainings(len(group), epochs) for group in self._groups()}
        self.records.time.ahead = sum(work for group, work in groups.items() if self.records.any_open(group))
        self.records.save()
        # Processes that share a study take the groups that no other process has claimed, and in the end those that
        # are claimed but unfinished: the process may be gone. Only the last groups can be trained twice.
        rounds = ("unclaimed", "unfinished") if self.records.store.shared else ("unfinished",)
        try:
            for which in rounds:
                for group, work in groups.items():
                    if self._reached(target):
                        count = len(self.records)
                        self.display.say(f"A trial reached the target of {target:g} after {count} trials.")
                        return
                    self._run_group(group, work, check=check, claim=which == "unclaimed")
        finally:
            self.records.save()

    def _groups(self) -> Iterator[range]:
        """Yield the numbers of the trials that train together, group by group."""
        first = 0
        while first < self.method.trials:
            size = self.method.group_size(first, width=self.pool.width, shared=self.records.store.shared)
            yield range(first, first + size)
            first += size

    def _run_group(self, group: range, work: float, *, check: StopCheck, claim: bool) -> None:
        records = self.records
        if not records.any_open(group):
            return
        ahead = max(0.0, records.time.ahead - work)
        records.refresh()
        if records.any_open(group) and (not claim or records.store.claim(group.start)):
            self._train_group(group, self.method.propose(group, records.trials), check=check)
        records.time.ahead = ahead

    def _train_group(self, group: range, configurations: Sequence[Configuration], *, check: StopCheck) -> None:
        """Train the unfinished trials of a group, from rung to rung."""
        base = self.data.plan.recipe
        pairs = zip(group, configurations, strict=True)
        candidates = [_TrialInTraining(number, settings, vary(base, settings)) for number, settings in pairs]
        training = [candidate for candidate in candidates if self.records.is_open(candidate.number)]
        runner = self.pool.start([candidate.recipe for candidate in training])
        rungs = self.method.rungs(base.train.epochs)
        try:
            for rung, fraction in enumerate(rungs):
                self._train(runner, training, fraction=fraction, check=check)
                last = rung == len(rungs) - 1
                most = 0 if last else self.method.survivors(len(group), rung)
                kept = self._select(training, most, state="done" if last else "stopped")
                runner.keep([training.index(candidate) for candidate in kept])
                training = kept
        except BaseException:
            scored = [c.to_trial("stopped", self._main_score) for c in training if c.results]
            self._record([trial if trial.reason else replace(trial, reason=INTERRUPTED) for trial in scored])
            raise

    def _train(
        self, runner: Runner, training: Sequence[_TrialInTraining], *, fraction: float, check: StopCheck
    ) -> None:
        """Train up to a rung and note the scores."""

        def check_and_show() -> None:
            check()
            if time.monotonic() - self._shown > _TICK:
                self.show()

        started = time.monotonic()
        runner.train(fraction, check_and_show)
        results = runner.results()
        seconds = time.monotonic() - started
        work = 0.0
        for candidate, own in zip(training, results, strict=True):
            candidate.results = own
            epochs = math.ceil(fraction * candidate.recipe.train.epochs)
            work += (epochs - candidate.epochs) / candidate.recipe.train.epochs
            candidate.epochs = epochs
            candidate.seconds += seconds / len(training)
            if all(result.scores for result in own):
                candidate.rungs[epochs] = statistics.fmean(result.scores[self._main_score] for result in own)
        self.records.time.add(work, seconds)

    def _select(self, training: Sequence[_TrialInTraining], most: int, *, state: str) -> list[_TrialInTraining]:
        """Return the best `most` candidates, by number, and record the others as finished with this state."""
        trials = {candidate.number: candidate.to_trial(state, self._main_score) for candidate in training}
        healthy = [candidate for candidate in training if trials[candidate.number].score is not None]
        kept = sorted(healthy, key=lambda candidate: _score_key(trials[candidate.number]))[:most]
        self._record([trials[candidate.number] for candidate in training if candidate not in kept])
        return sorted(kept, key=lambda candidate: candidate.number)

    @property
    def _main_score(self) -> str:
        return self.records.study.main_score

    def _record(self, trials: Sequence[Trial]) -> None:
        if trials:
            self.records.add(trials)
        self.show()

    def show(self) -> None:
        """Update the display, and study.json for other readers."""
        records = self.records
        self._shown = time.monotonic()
        records.save_if_due()
        self.display.progress(
            SearchProgress(
                trials=len(records),
                total=self.method.trials,
                leaders=tuple(records.leaders),
                diverged=records.diverged,
                seconds=records.time.seconds,
                left=records.time.left or None,
            )
        )

    def _reached(self, target: float) -> bool:
        return any(trial.score is not None and trial.score >= target for trial in self.records.leaders)


def _score_key(trial: Trial) -> tuple[float, ...]:
    """Return the sort key that puts the best of equally long trained trials first."""
    assert trial.score is not None
    return (-trial.score, trial.scores.get("loss", math.inf))
