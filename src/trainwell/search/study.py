"""A search on disk, as everybody above reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.files import atomic_write, plain, storage_errors
from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit, load_recipe
from trainwell.runs import is_locked
from trainwell.runs.names import RECIPE as RECIPE
from trainwell.runs.names import STUDY as STUDY
from trainwell.search.results import interval
from trainwell.search.trial import Trial

WINNER, DATABASE = "winner.toml", "study.sqlite"
_FORMAT = 1


@dataclass(frozen=True)
class Study:
    """A search: what was asked, what was tried and what came of it.

    Args:
        path: its folder.
        spec: what was asked: "source", "space", "method", "trials", "folds", "seed".
        engine: "population" or "sequential".
        why: why this engine, one sentence.
        main_score: name of the score that decides.
        trials: finished trials by number.
        findings: what is to be said about the search.
        importance: share of the differences each setting accounts for.
        noise: scores of the winner and the runner-up with other seeds, and whether the difference is real.
        nested: what nested cross-validation says of the whole procedure: "scores" of the outer folds, "mean", ...
        run: name of the run in which the winner was trained; empty while there is none.
        test: the winner's scores on the sealed test split.
        test_looks: how often the test split was looked at; more than once is worth less.
        seconds: time the search took, over all resumes.
        left: estimated seconds to go when it was written.
        status: "running", "stopped" (resume goes on) or "ok".
    """

    path: Path
    spec: Mapping[str, Any]
    engine: str
    why: str
    main_score: str
    trials: tuple[Trial, ...] = ()
    findings: tuple[Finding, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    test: Mapping[str, float] = field(default_factory=dict)
    test_looks: int = 0
    seconds: float = 0.0
    left: float = 0.0
    status: str = "running"

    @property
    def best(self) -> Trial | None:
        """The trial that did best on what it may be chosen by; None if none has a score."""
        best = min(self.trials, key=lambda trial: trial.rank, default=None)
        return best if best and best.score is not None else None

    @property
    def ranked(self) -> list[Trial]:
        """All trials, the best first."""
        return sorted(self.trials, key=lambda trial: trial.rank)

    @property
    def recipe(self) -> Recipe:
        """The recipe that was varied."""
        return load_recipe(self.path / RECIPE)

    @property
    def best_recipe(self) -> Recipe:
        """The winner's recipe; its seed is the study's, because a lucky seed is no choice.

        Raises:
            StorageError: if no trial has a score.
        """
        if self.best is None:
            raise StorageError(f"The study {self.path} has no trial with a score.")
        return winning_recipe(self.recipe, self.best)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain data, in the shape `tune --json` prints."""
        best = self.best
        validation = dict(best.scores) if best else {}
        states = [trial.state for trial in self.trials]
        return {
            "study": str(self.path),
            "status": self.status,
            "engine": self.engine,
            "why": self.why,
            "trials": len(self.trials),
            "states": {state: states.count(state) for state in ("done", "stopped", "diverged")},
            "best": {
                "trial": best.number if best else None,
                "settings": best.to_json()["settings"] if best else {},
                "scores": {"validation": validation, "test": dict(self.test)},
                "folds": list(best.folds) if best else [],
                "interval": interval(best.folds, score=self.main_score) if best and len(best.folds) > 1 else None,
                "recipe": str(self.path / WINNER) if best else None,
                "run": self.run or None,
            },
            "importance": dict(self.importance),
            "noise": dict(self.noise),
            "nested": dict(self.nested),
            "findings": [finding.to_json() for finding in self.findings],
            "test_looks": self.test_looks,
            "seconds": self.seconds,
        }

    def save(self) -> None:
        """Write everything but the database, whole or not at all."""
        data = {"format": _FORMAT} | {key: vars(self)[key] for key in vars(self) if key not in ("path", "trials")}
        data["findings"] = [finding.to_json() for finding in self.findings]
        with storage_errors(f"Writing {self.path / STUDY}", self.path):
            trials = ", ".join(trial.text for trial in self.trials)
            atomic_write(self.path / STUDY, f'{json.dumps(data)[:-1]}, "trials": [{trials}]}}')


def open_study(path: str | os.PathLike[str]) -> Study:
    """Read a search, finished or under way; 10,000 trials take a fraction of a second.

    One that says it runs while nobody holds its lock was killed, which is "stopped".

    Raises:
        StorageError: if there is none.
        DamagedError: if it cannot be understood.
    """
    folder = Path(path)
    file = folder / STUDY
    if not file.is_file():
        raise StorageError(f"{plain(str(folder))} must be the folder of a study, but has no {STUDY}.")
    alive = is_locked(folder)  # asked before reading: it may end meanwhile
    with storage_errors(f"Reading {file}", folder):
        text = file.read_text(encoding="utf-8")
    try:
        data = json.loads(text)
        if data.pop("format") != _FORMAT:
            raise ValueError("it was written by another version")
        data["status"] = "stopped" if data["status"] == "running" and not alive else data["status"]
        data["trials"] = tuple(map(Trial.from_json, data["trials"]))
        data["findings"] = tuple(map(Finding.from_json, data["findings"]))
        return Study(folder, **data)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DamagedError(f"{plain(str(file))} is damaged: {plain(str(problem))}. Restore it or start anew.") from None


def winning_recipe(recipe: Recipe, best: Trial) -> Recipe:
    """Return the recipe with the settings of a trial, its seed excepted."""
    return edit(recipe, {key: value for key, value in best.settings.items() if key != "seed"})
