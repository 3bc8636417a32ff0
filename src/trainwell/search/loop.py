"""The loop of a search: propose, train, judge, stop the weaker, record; then the winner."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, final

from trainwell.population.folds import Ground
from trainwell.population.sequential import Outcome
from trainwell.recipe import Recipe, edit
from trainwell.recipe.edit import vary
from trainwell.search.methods import ETA, Proposer
from trainwell.search.results import all_diverged, edge, importance, really_better
from trainwell.search.runner import Runner
from trainwell.search.space import Point, Space
from trainwell.search.store import Store
from trainwell.search.study import Study, winning_recipe
from trainwell.search.trial import Trial
from trainwell.search.workers import Crews

CUT_SHORT = "the search was broken off"
_LEADERS = 5  # trials that are shown while the search goes on
# Between two writings of study.json, for whoever looks on: so many times what a writing takes, within these seconds.
_SAVE_SECONDS, _SAVE_SHARE, _SAVE_LATEST = 2.0, 100, 30.0
_TICK = 0.2  # seconds between two looks at the clock for whoever waits


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Args:
        trials: finished ones.
        total: planned.
        leaders: the best so far, best first.
        diverged: how many diverged.
        seconds: since the start.
        left: estimated seconds to go; None while unknown.
    """

    trials: int
    total: int
    leaders: tuple[Trial, ...]
    diverged: int
    seconds: float
    left: float | None


class Screen(Protocol):
    """Shows a search while it goes on."""

    def say(self, sentence: str) -> None:
        """Say something once."""
        return

    def progress(self, progress: Progress) -> None:
        """Show where the search stands."""
        return

    def stop(self) -> None:
        """Give the terminal back; called once."""
        return


class TimeUp(Exception):
    """The time given to the search is used up."""


@dataclass
class _Entry:
    """A trial in training."""

    number: int
    point: Point
    recipe: Recipe
    rungs: dict[int, float] = field(default_factory=dict)
    outcomes: Sequence[Outcome] = ()
    seconds: float = 0.0
    epochs: int = 0

    def finished(self, state: str, main_score: str) -> Trial:
        reason = next((outcome.reason for outcome in self.outcomes if outcome.reason), "")
        spent: dict[str, Any] = {"rungs": self.rungs, "epochs": self.epochs, "seconds": self.seconds}
        if reason:
            return Trial(self.number, self.point, "diverged", reason=reason, **spent)
        names = self.outcomes[0].scores
        scores = {name: statistics.fmean(o.scores.get(name, math.nan) for o in self.outcomes) for name in names}
        finite = {name: value for name, value in scores.items() if math.isfinite(value)}
        folds = tuple(outcome.scores[main_score] for outcome in self.outcomes)
        return Trial(self.number, self.point, state, scores[main_score], finite, folds, **spent)


@final
class Campaign:
    """One search under way.

    Args:
        study: what is known of it.
        ground: the data.
        space: what is varied.
        proposer: what comes next.
        store: the database of trials.
        crews: how to train.
        screen: shown where the search stands.
    """

    def __init__(  # noqa: PLR0913
        self, study: Study, ground: Ground, *, space: Space, proposer: Proposer, store: Store, crews: Crews,
        screen: Screen,
    ) -> None:  # fmt: skip
        self.study, self.ground, self.space, self.screen = study, ground, space, screen
        self._proposer, self._crews = proposer, crews
        self.store, self._trials = store, {trial.number: trial for trial in store.load()}
        if lost := [trial for trial in study.trials if trial.number not in self._trials]:  # with the database
            store.add(lost)
            self._trials |= {trial.number: trial for trial in lost}
        self._leaders = sorted(self._trials.values(), key=lambda trial: trial.rank)[:_LEADERS]
        self._diverged = sum(trial.state == "diverged" for trial in self._trials.values())
        self._started, self._saved, self._pause = time.monotonic(), 0.0, _SAVE_SECONDS
        self._before = study.seconds
        self.pace = 0.0  # seconds one configuration is expected to take over all its epochs; measured as it goes on
        self._ahead, self._worked, self._busy = 0.0, 0.0, 0.0  # whole trainings to do, and done; seconds of the latter
        self._marked = self._looked = self._started

    def run(self, check: Callable[[], None], target: float = math.inf) -> None:
        """Try everything that is planned and not yet tried, until it is done or good enough.

        Args:
            check: called at every step; raises to break off.
            target: a main score that is good enough to stop at.
        Raises:
            TimeUp: or whatever else `check` raises; everything finished is recorded.
        """

        def watched() -> None:
            check()
            if time.monotonic() - self._looked > _TICK:
                self._show()

        epochs = self.ground.plan.recipe.train.epochs
        cohorts = [(number, count, self._proposer.work(count, epochs)) for number, count in self._cohorts()]
        self._ahead = sum(work for number, count, work in cohorts if self._any_open(number, count))
        self.save()
        # Processes that share a study take what no other has begun, and in the end what is still open all the same:
        # whoever began it may be dead. Only the last cohorts can be trained twice.
        rounds = (True, False) if self.store.shared else (False,)
        try:
            for (number, count, work), claiming in ((cohort, claiming) for claiming in rounds for cohort in cohorts):
                if self._reached(target):
                    self.screen.say(f"The target of {target:g} is reached after {len(self._trials)} trials.")
                    break
                if not self._any_open(number, count):
                    continue
                after = max(0.0, self._ahead - work)
                if self.store.shared:
                    self._learn(self.store.load())
                if self._any_open(number, count) and (not claiming or self.store.claim(number)):
                    points = self._proposer.propose(number, count, self.trials)
                    self._cohort(number, points, watched)
                self._ahead = after
        finally:
            self.save()

    def _cohorts(self) -> list[tuple[int, int]]:
        """Return first number and size of all cohorts."""
        found, number = [], 0
        while number < self._proposer.trials:
            size = self._proposer.cohort(number, self._crews.together, shared=self.store.shared)
            found.append((number, size))
            number += size
        return found

    def _learn(self, known: Sequence[Trial]) -> None:
        """Take over what is finished, here or by other processes."""
        new = [trial for trial in known if self._is_open(trial.number)]
        self._trials |= {trial.number: trial for trial in new}
        self._leaders = sorted([*self._leaders, *new], key=lambda trial: trial.rank)[:_LEADERS]
        self._diverged += sum(trial.state == "diverged" for trial in new)

    @property
    def trials(self) -> list[Trial]:
        """The finished trials by number."""
        return [self._trials[number] for number in sorted(self._trials)]

    @property
    def seconds(self) -> float:
        """Time the search took so far, over all resumes."""
        return self._before + time.monotonic() - self._started

    def save(self, **changes: Any) -> None:
        """Write study.json with what is known now."""
        self.study = replace(self.study, trials=tuple(self.trials), seconds=self.seconds, left=self._left, **changes)
        started = time.monotonic()
        self.study.save()
        self._saved = time.monotonic()
        self._pause = min(max(_SAVE_SECONDS, _SAVE_SHARE * (self._saved - started)), _SAVE_LATEST)

    def conclude(self, repeats: int, check: Callable[[], None]) -> None:
        """Say what the search teaches, and measure how sure its choice is.

        Args:
            repeats: seeds with which the winner and the runner-up are trained again; 0 for none.
            check: called at every step.
        """
        trials, best = self.trials, self.study.best
        if best is None:
            self.save(findings=(all_diverged(trials, self.space),) if trials else ())
            return
        shares = importance(trials, self.space)
        found = edge(best, self.space, shares)
        self.save(findings=(found,) if found else (), importance=shares)
        second = next((t for t in self.study.ranked[1:] if t.state == best.state), None)
        if repeats > 1:
            self.save(noise=self._noise(best, second, repeats=repeats, check=check))

    def _cohort(self, number: int, points: Sequence[Point], check: Callable[[], None]) -> None:
        """Train some trials against each other, from rung to rung."""
        base = self.ground.plan.recipe
        entries = [_Entry(number + i, point, vary(base, point)) for i, point in enumerate(points)]
        alive = [entry for entry in entries if self._is_open(entry.number)]
        crew = self._crews.start([entry.recipe for entry in alive])
        shares = self._proposer.shares(base.train.epochs)
        try:
            for rung, share in enumerate(shares):
                self._train(crew, alive, share, check)
                last = rung == len(shares) - 1
                most = len(points) if last else max(1, math.ceil(len(points) / ETA ** (rung + 1)))
                going = self._select(alive, most, last=last)
                crew.keep([alive.index(entry) for entry in going])
                alive = going
        except BaseException:
            judged = [entry.finished("stopped", self.study.main_score) for entry in alive if entry.outcomes]
            self._record([trial if trial.reason else replace(trial, reason=CUT_SHORT) for trial in judged])
            raise

    def _any_open(self, number: int, count: int) -> bool:
        return any(map(self._is_open, range(number, number + count)))

    def _is_open(self, number: int) -> bool:
        """Tell whether a trial is yet to be tried, or to be tried again because the search was broken off under it."""
        return number not in self._trials or self._trials[number].reason == CUT_SHORT

    def _train(self, crew: Runner, alive: Sequence[_Entry], share: float, check: Callable[[], None]) -> None:
        started, before = time.monotonic(), self._worked
        crew.train(share, check)
        found = crew.outcomes()
        self._marked = time.monotonic()
        for entry, outcomes in zip(alive, found, strict=True):
            entry.outcomes = outcomes
            epochs = math.ceil(share * entry.recipe.train.epochs)
            self._worked += (epochs - entry.epochs) / entry.recipe.train.epochs
            entry.epochs = epochs
            entry.seconds += (self._marked - started) / len(alive)
            if all(outcome.scores for outcome in outcomes):
                entry.rungs[entry.epochs] = statistics.fmean(o.scores[self.study.main_score] for o in outcomes)
        self._busy += self._marked - started
        self._ahead = max(0.0, self._ahead - (self._worked - before))
        self.pace = self._busy / max(self._worked, 1e-9)

    def _select(self, alive: Sequence[_Entry], most: int, *, last: bool) -> list[_Entry]:
        """Record who is finished and return who goes on, the best `most`."""
        judged = {entry.number: entry.finished("done", self.study.main_score) for entry in alive}
        healthy = [entry for entry in alive if judged[entry.number].score is not None]
        ranked = sorted(healthy, key=lambda entry: judged[entry.number].rank)
        going = [] if last else ranked[:most]
        over = [entry for entry in alive if entry not in going]
        self._record([judged[e.number] if last else e.finished("stopped", self.study.main_score) for e in over])
        return sorted(going, key=lambda entry: entry.number)

    def _record(self, trials: Sequence[Trial]) -> None:
        if trials:
            self.store.add(trials)
            self._learn(trials)
        self._show()

    def _show(self) -> None:
        """Show where the search stands, and write it down for whoever looks on."""
        self._looked = time.monotonic()
        if self._looked - self._saved > self._pause:
            self.save()
        known, total, leaders = len(self._trials), self._proposer.trials, tuple(self._leaders)
        self.screen.progress(Progress(known, total, leaders, self._diverged, self.seconds, self._left or None))

    @property
    def _left(self) -> float:
        return max(0.0, self._ahead * self.pace - (time.monotonic() - self._marked))

    def _reached(self, target: float) -> bool:
        return any(trial.score is not None and trial.score >= target for trial in self._leaders)

    def _noise(
        self, best: Trial, second: Trial | None, *, repeats: int, check: Callable[[], None]
    ) -> Mapping[str, Any]:
        base = self.ground.plan.recipe
        chosen = [trial for trial in (best, second) if trial]
        self.screen.say(f"Winner and runner-up train again with {repeats} other seeds: what differs is noise.")
        seeds = [base.seed + 1 + number for number in range(repeats)]
        recipes = [edit(winning_recipe(base, trial), {"seed": seed}) for trial in chosen for seed in seeds]
        crew = self._crews.start(recipes)
        crew.train(1.0, check)
        main = self.study.main_score
        scores = [
            statistics.fmean(o.scores[main] for o in outcomes) if all(o.scores for o in outcomes) else None
            for outcomes in crew.outcomes()
        ]
        names = ("winner", "runner_up")
        found: dict[str, Any] = {
            name: [score for score in scores[i * repeats : (i + 1) * repeats] if score is not None]
            for i, name in enumerate(names[: len(chosen)])
        }
        if len(found["winner"]) > 1:
            found["deviation"] = statistics.stdev(found["winner"])
        if len(found.get("runner_up", ())) > 1 and len(found["winner"]) > 1:
            found |= really_better(found["winner"], found["runner_up"])
        return found
