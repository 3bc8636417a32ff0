"""Which configurations to try, and how long each: grid, random, Sobol, coarse to fine, halving, TPE.

All but TPE are functions of (seed, number of the trial), so that a search that stops and goes on tries what it would
have tried.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from trainwell.core.catalogue import unknown_name
from trainwell.core.errors import UsageError
from trainwell.core.seeds import derive
from trainwell.search.space import Choice, Point, Range, Space
from trainwell.search.trial import Trial

METHODS = ("grid", "random", "sobol", "coarse-to-fine", "halving", "tpe")
ETA = 3  # of each rung the best third goes on, as Hyperband's authors advise (Li et al. 2018, section 2.6)
_MOST_RUNGS = 3
_FINE = 0.25  # width of the second stage of coarse-to-fine, as a share of each range
# Trials that run against each other in halving; bounds memory, and what a stop can lose. One at a time: fewer.
_COHORT, _COHORT_ALONE = 243, 27
_LEARNS = 4  # trials that tpe proposes at once, at least: as few as a population takes


@final
class Proposer:
    """Says which configurations come next.

    Args:
        space: what is varied.
        method: one of `METHODS`.
        trials: how many in all; for a grid, the most it may have.
        seed: of the search.
    Raises:
        UsageError: for an unknown method, or a grid of more points than `trials`.

    >>> Proposer(Space({"nn.dropout": Range(0, 0.5)}), method="grid", trials=3, seed=0).propose(0, 3, [])
    [{'nn.dropout': 0.0}, {'nn.dropout': 0.25}, {'nn.dropout': 0.5}]
    """

    def __init__(self, space: Space, *, method: str, trials: int, seed: int) -> None:
        if method not in METHODS:
            raise UsageError(unknown_name("method", method, METHODS))
        if trials < 1:
            raise UsageError(f"--trials must be at least 1, got {trials}.")
        self._space, self._method, self._seed = space, method, seed
        self._grid = _grid(space, trials) if method == "grid" else []
        self.trials = len(self._grid) or trials
        self._tpe = _Tpe(space, seed) if method == "tpe" else None

    def shares(self, epochs: int) -> list[float]:
        """Return the rungs: shares of its epochs after which a trial is judged, the last one 1."""
        if self._method != "halving":
            return [1.0]
        rungs = min(_MOST_RUNGS, 1 + int(math.log(max(epochs, 1), ETA) + 1e-9), 1 + int(math.log(self.trials, ETA)))
        return [ETA ** -float(rung) for rung in reversed(range(rungs))]

    def work(self, count: int, epochs: int) -> float:
        """Return how many whole trainings a cohort of so many trials amounts to."""
        shares = self.shares(epochs)
        return math.fsum(
            max(1, math.ceil(count / ETA**rung)) * (share - before)
            for rung, (before, share) in enumerate(itertools.pairwise([0.0, *shares]))
        )

    def cohort(self, number: int, together: int, *, shared: bool = False) -> int:
        """Return how many trials to start at once at this number, where `together` train in one program.

        Where processes share a study, cohorts of halving are small, so that there is one for each.
        """
        end = self.trials
        if self._method == "halving":
            together = _COHORT if together > 1 and not shared else _COHORT_ALONE
        if self._tpe:  # it learns from what it was told, so that not all may be asked at once
            together = min(together, max(_LEARNS, self.trials // 8))
        if self._method == "coarse-to-fine" and number < self._coarse:
            end = self._coarse
        return max(1, min(together, end - number))

    def propose(self, number: int, count: int, history: Sequence[Trial]) -> list[Point]:
        """Return the settings of the trials number, number + 1, ...

        Args:
            number: of the first one.
            count: how many.
            history: the trials that are known.
        """
        if self._tpe:
            return self._tpe.propose(number, count, history)
        if self._grid:
            return self._grid[number : number + count]
        points = self._points(number, count)
        if self._method != "coarse-to-fine" or number < self._coarse:
            return [self._space.at(point) for point in points]
        known = [trial for trial in history if trial.number < self._coarse]
        if not known:  # other processes are still at the first stage
            return [self._space.at(point) for point in points]
        best = min(known, key=lambda trial: trial.rank)
        return [self._near(point, best) for point in points]

    @property
    def _coarse(self) -> int:
        return (self.trials + 1) // 2

    def _points(self, number: int, count: int) -> list[list[float]]:
        """Return points of the unit cube, each a function of its number."""
        sizes = len(self._space)
        if self._method == "random":
            rows = (np.random.default_rng(derive(self._seed, "search", 0, number + i)) for i in range(count))
            return [row.random(sizes).tolist() for row in rows]
        from torch import quasirandom

        sobol: Any = quasirandom.SobolEngine
        engine = sobol(sizes, scramble=True, seed=derive(self._seed, "search"))
        points: list[list[float]] = engine.fast_forward(number).draw(count).tolist()
        return points

    def _near(self, point: Sequence[float], best: Trial) -> Point:
        """Return a point of the small box around the best one; of choices, the best is kept."""
        values: Point = {}
        for (key, kind), share in zip(self._space.settings.items(), point, strict=True):
            if isinstance(kind, Range):
                middle = kind.share(best.settings[key]) if key in best.settings else 0.5
                low = min(max(middle - _FINE / 2, 0.0), 1 - _FINE)
                values[key] = kind.at(low + share * _FINE)
            else:
                values[key] = best.settings.get(key, kind.at(share))
        return self._space.active(values)


def _grid(space: Space, most: int) -> list[Point]:
    """Return a full grid of at most so many points, every range divided alike."""
    choices = math.prod(len(kind.grid(0)) for kind in space.settings.values() if isinstance(kind, Choice))
    ranges = sum(isinstance(kind, Range) for kind in space.settings.values())
    least = choices * 2**ranges
    if least > most:
        raise UsageError(
            f"A grid over these {len(space)} settings has at least {least:,} points, more than --trials {most:,}. "
            "Vary fewer settings, raise --trials, or use --method sobol."
        )
    steps = int((most / choices) ** (1 / ranges) + 1e-9) if ranges else 1
    axes = [kind.grid(steps) for kind in space.settings.values()]
    points = [space.active(dict(zip(space.settings, values, strict=True))) for values in itertools.product(*axes)]
    unique: list[Point] = []
    for point in points:  # conditions make points equal
        if point not in unique:
            unique.append(point)
    return unique


class _Tpe:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), asked and told by batches."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed
        self._told: set[int] = set()
        self._study: Any = None

    def propose(self, number: int, count: int, history: Sequence[Trial]) -> list[Point]:
        import optuna

        from trainwell.search.store import suggest, to_optuna

        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(direction="maximize")
        new = [trial for trial in history if trial.number not in self._told]
        self._study.add_trials([to_optuna(trial, self._space) for trial in new])
        self._told |= {trial.number for trial in new}
        seed = derive(self._seed, "tpe", number) % 2**32
        self._study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        asked, points = [], []
        for _ in range(count):
            trial = self._study.ask()
            values: Point = {}
            for key, kind in self._space.settings.items():
                if self._space.matters(key, values):
                    values[key] = suggest(trial, key, kind)
            asked.append(trial)
            points.append(values)
        for trial in asked:  # what comes of them is told as trials of their own, under their numbers in this search
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return points
