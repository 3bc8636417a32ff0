"""List the runs of a folder."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from trainwell.core.errors import TrainwellError
from trainwell.core.files import plain
from trainwell.runs.names import STORE
from trainwell.runs.run import status_of
from trainwell.runs.store import StoreReader


@dataclass(frozen=True)
class RunSummary:
    """A run in the list of runs.

    Args:
        path: the folder.
        status: that of the run, or "damaged" if it cannot be read.
        reason: why it failed or cannot be read, one sentence.
        task: name of the task.
        model: name of the architecture.
        score_name: name of the main score, higher is better.
        score: its last value on the validation split; None if there is none yet.
        seconds: training time.
        created: local time of its start, ISO 8601.
    """

    path: Path
    status: str
    reason: str = ""
    task: str = ""
    model: str = ""
    score_name: str = ""
    score: float | None = None
    seconds: float = 0.0
    created: str = ""

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort key that puts the best first, and runs without a finite score last."""
        judged = self.score is not None and math.isfinite(self.score)
        return (not judged, -self.score if judged and self.score is not None else 0.0)


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
    return sorted(map(_summarise, paths), key=lambda run: (run.created, run.name), reverse=True)


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
                score_name=score_name,
                score=store.last_score("validation", score_name),
                seconds=float(meta.get("seconds", 0.0)),
                created=str(meta.get("created", "")),
            )
    except (TrainwellError, ValueError, TypeError, OverflowError) as problem:
        return RunSummary(path=path, status="damaged", reason=str(problem))
