"""List the runs of a folder."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwell.core.errors import TrainwellError
from trainwell.core.files import plain
from trainwell.runs.names import STORE
from trainwell.runs.run import status_of
from trainwell.runs.store import StoreReader


@dataclass(frozen=True)
class MainScore:
    """The main score of a run.

    Args:
        name: its name, higher is better.
        value: its last value on the validation split; None if there is none yet.
    """

    name: str = ""
    value: float | None = None


@dataclass(frozen=True)
class RunTime:
    """When a run started and how long it trained.

    Args:
        created: local time of its start, ISO 8601.
        seconds: training time.
    """

    created: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RunSummary:
    """A run in the list of runs.

    Args:
        path: the folder.
        status: that of the run, or "damaged" if it cannot be read.
        reason: why it failed or cannot be read, one sentence.
        task: name of the task.
        model: name of the architecture.
        score: the main score.
        time: start and training time.
    """

    path: Path
    status: str
    reason: str = ""
    task: str = ""
    model: str = ""
    score: MainScore = MainScore()
    time: RunTime = RunTime()

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort key that puts the best first, and runs without a finite score last."""
        value = self.score.value
        return (True, 0.0) if value is None or not math.isfinite(value) else (False, -value)

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data, in the shape `list --json` prints."""
        return {
            "name": self.name,
            "path": self.path,
            "status": self.status,
            "reason": self.reason,
            "task": self.task,
            "model": self.model,
            "score_name": self.score.name,
            "score": self.score.value,
            "seconds": self.time.seconds,
            "created": self.time.created,
        }


def list_runs(folder: str | os.PathLike[str]) -> list[RunSummary]:
    """List the runs of a folder, newest first; a damaged run is listed with the reason.

    For another order: `sorted(list_runs(folder), key=lambda run: run.rank)`.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
    paths = [path for name in names if os.path.lexists((path := Path(folder, name)) / STORE)]
    return sorted(map(_summarise, paths), key=lambda run: (run.time.created, run.name), reverse=True)


def _summarise(path: Path) -> RunSummary:
    try:
        with StoreReader(path / STORE) as store:
            meta = store.meta()
            score_name = str(meta.get("main_score", ""))
            return RunSummary(
                path=path,
                status=status_of(path, store, meta=meta),
                reason=plain(str(meta.get("reason", ""))),
                task=str(meta.get("task", "")),
                model=str(meta.get("model", "")),
                score=MainScore(score_name, store.last_score("validation", score_name)),
                time=RunTime(str(meta.get("created", "")), float(meta.get("seconds", 0.0))),
            )
    except (TrainwellError, ValueError, TypeError, OverflowError) as problem:
        return RunSummary(path=path, status="damaged", reason=str(problem))
