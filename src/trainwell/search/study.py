"""A study: one search and its results, as it is on disk and as reports read it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.files import atomic_write, plain, storage_errors
from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit, load_recipe
from trainwell.runs import is_locked
from trainwell.runs.names import RECIPE as RECIPE
from trainwell.runs.names import STUDY as STUDY
from trainwell.search.results import confidence_interval
from trainwell.search.trials.trial import Trial

WINNER = "winner.toml"
DATABASE = "study.sqlite"
_FORMAT = 1
_STATES = ("done", "stopped", "diverged")


@dataclass(frozen=True)
class Execution:
    """How a search runs.

    Args:
        engine: "population", "sequential" or "ray".
        why: the reason for this engine, one sentence.
        status: "running", "stopped" (it can be resumed) or "ok" (finished).
        seconds: duration of the search, over all resumes.
        left: estimated seconds to its end at the time of writing.
    """

    engine: str = ""
    why: str = ""
    _: KW_ONLY
    status: str = "running"
    seconds: float = 0.0
    left: float = 0.0


@dataclass(frozen=True)
class Conclusions:
    """What the trials of a search show.

    Args:
        findings: about the search itself.
        importance: dotted key to importance of the setting.
        noise: scores of the winner and the runner-up with other seeds, and whether their difference is significant.
        nested: the result of nested cross-validation: "scores" of the outer folds, "mean", …
    """

    findings: tuple[Finding, ...] = ()
    _: KW_ONLY
    importance: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Winner:
    """The final training of the best configuration.

    Args:
        run: name of its run; empty before it is trained.
        test: its scores on the test split.
        test_looks: how often the test split was evaluated; after more than once its score is slightly optimistic.
    """

    run: str = ""
    test: Mapping[str, float] = field(default_factory=dict)
    test_looks: int = 0


@dataclass(frozen=True)
class Study:
    """A search: its specification, its trials and its results.

    Args:
        path: its folder.
        spec: what was asked for: "source", "space", "method", "trials", "folds", "seed", "main_score", …
        trials: the finished trials, by number.
        execution: how the search runs.
        conclusions: what the trials show.
        winner: the final training of the best configuration.
    """

    path: Path
    spec: Mapping[str, Any]
    _: KW_ONLY
    trials: tuple[Trial, ...] = ()
    execution: Execution = Execution()
    conclusions: Conclusions = Conclusions()
    winner: Winner = Winner()

    @property
    def best(self) -> Trial | None:
        """The trial with the best validation score; None if no trial has a score."""
        best = min(self.trials, key=lambda trial: trial.rank, default=None)
        return best if best and best.score is not None else None

    @property
    def ranked(self) -> list[Trial]:
        """All trials, the best first."""
        return sorted(self.trials, key=lambda trial: trial.rank)

    @property
    def recipe(self) -> Recipe:
        """The recipe whose settings were varied."""
        return load_recipe(self.path / RECIPE)

    @property
    def best_recipe(self) -> Recipe:
        """The recipe of the best trial, with the study's own seed: a lucky seed is not a better configuration.

        Raises:
            StorageError: if no trial has a score.
        """
        if self.best is None:
            raise StorageError(f"The study {self.path} has no trial with a score.")
        return best_recipe(self.recipe, self.best)

    @property
    def main_score(self) -> str:
        """Name of the score that ranks the trials."""
        return str(self.spec.get("main_score", ""))

    @property
    def status(self) -> str:
        """The state of the search: "running", "stopped" (it can be resumed) or "ok" (finished)."""
        return self.execution.status

    @property
    def engine(self) -> str:
        """The engine: "population", "sequential" or "ray"."""
        return self.execution.engine

    @property
    def seconds(self) -> float:
        """Duration of the search, over all resumes."""
        return self.execution.seconds

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings about the search itself."""
        return self.conclusions.findings

    @property
    def importance(self) -> Mapping[str, float]:
        """Dotted key to importance of the setting, largest first."""
        return self.conclusions.importance

    @property
    def run(self) -> str:
        """Name of the run in which the best configuration was trained; empty before it is trained."""
        return self.winner.run

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data, in the form that `tune --json` prints."""
        best = self.best
        states = [trial.state for trial in self.trials]
        interval = None
        if best and len(best.folds) > 1:
            interval = confidence_interval(best.folds, score=self.main_score)
        return {
            "study": str(self.path),
            "status": self.execution.status,
            "engine": self.execution.engine,
            "why": self.execution.why,
            "trials": len(self.trials),
            "states": {state: states.count(state) for state in _STATES},
            "best": {
                "trial": best.number if best else None,
                "settings": best.to_json()["settings"] if best else {},
                "scores": {"validation": dict(best.scores) if best else {}, "test": dict(self.winner.test)},
                "folds": list(best.folds) if best else [],
                "interval": interval,
                "recipe": str(self.path / WINNER) if best else None,
                "run": self.winner.run or None,
            },
            "importance": dict(self.conclusions.importance),
            "noise": dict(self.conclusions.noise),
            "nested": dict(self.conclusions.nested),
            "findings": [finding.to_json() for finding in self.conclusions.findings],
            "test_looks": self.winner.test_looks,
            "seconds": self.execution.seconds,
        }

    def save(self) -> None:
        """Write study.json, so that at any instant the file holds either the old or the new state."""
        data = {
            "format": _FORMAT,
            "spec": self.spec,
            "main_score": self.main_score,
            **vars(self.execution),
            **vars(self.conclusions),
            **vars(self.winner),
            "findings": [finding.to_json() for finding in self.conclusions.findings],
        }
        with storage_errors(f"Writing {self.path / STUDY}", self.path):
            trials = ", ".join(trial.text for trial in self.trials)  # each trial is turned into text only once
            atomic_write(self.path / STUDY, f'{json.dumps(data)[:-1]}, "trials": [{trials}]}}')


def open_study(path: str | os.PathLike[str]) -> Study:
    """Read a study, finished or under way.

    A study that says it is running although no process holds its lock was killed: its status is "stopped".

    Raises:
        StorageError: if the folder holds no study.
        DamagedError: if study.json cannot be read.
    """
    folder = Path(path)
    file = folder / STUDY
    if not file.is_file():
        raise StorageError(f"{plain(str(folder))} must be the folder of a study, but has no {STUDY}.")
    is_running = is_locked(folder)  # asked before reading: the search may end meanwhile
    with storage_errors(f"Reading {file}", folder):
        text = file.read_text(encoding="utf-8")
    try:
        return _from_json(folder, json.loads(text), is_running=is_running)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DamagedError(
            f"{plain(str(file))} is damaged: {plain(str(problem))}. Restore it, or start a new study."
        ) from None


def _from_json(folder: Path, data: dict[str, Any], *, is_running: bool) -> Study:
    if data["format"] != _FORMAT:
        raise ValueError("it was written by another version")
    status = data["status"]
    if status == "running" and not is_running:
        status = "stopped"
    return Study(
        folder,
        {**data["spec"], "main_score": data["main_score"]},
        trials=tuple(map(Trial.from_json, data["trials"])),
        execution=Execution(data["engine"], data["why"], status=status, seconds=data["seconds"], left=data["left"]),
        conclusions=Conclusions(
            tuple(map(Finding.from_json, data["findings"])),
            importance=data["importance"],
            noise=data["noise"],
            nested=data["nested"],
        ),
        winner=Winner(data["run"], data["test"], data["test_looks"]),
    )


def best_recipe(recipe: Recipe, best: Trial) -> Recipe:
    """Return the recipe with the settings of a trial, except for its seed."""
    return edit(recipe, {key: value for key, value in best.settings.items() if key != "seed"})


def free_name(folder: Path, name: str) -> str:
    """Return the name, with a number appended if it is taken in a folder."""
    free = name
    number = 1
    while (folder / free).exists():
        number += 1
        free = f"{name}-{number}"
    return free
