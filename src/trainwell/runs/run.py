"""A run on disk, read only."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.core.facts import Facts
from trainwell.core.files import plain, storage_errors
from trainwell.core.finding import Finding
from trainwell.core.signals import Signals
from trainwell.runs.lock import is_locked
from trainwell.runs.names import CHECKPOINTS, ENVIRONMENT, RECIPE, STORE
from trainwell.runs.store import Event, StoreReader

if TYPE_CHECKING:
    from trainwell.recipe import Recipe

_MAX_TEXT = 1_000_000


@dataclass(frozen=True)
class Run:
    """A run as it was when it was opened; reading it does not disturb a training in progress.

    Args:
        path: the folder.
        status: "ok", "failed", "interrupted", "running", or "killed" (recorded as running, but its lock is free).
        scores: the last value of every score, by split.
        findings: what is wrong, in the order in which it was recorded.
        facts: what was known before training.
        meta: what else was recorded of the whole run, by key.
        loader: builds the trained network.
    """

    path: Path
    status: str = "ok"
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    facts: Facts = field(default_factory=Facts)
    meta: Mapping[str, Any] = field(default_factory=dict)
    loader: Callable[[Run, Any], Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, loader: Callable[[Run, Any], Any] | None = None) -> Run:
        """Open a run.

        Args:
            path: its folder.
            loader: builds its trained network for `model()`; `trainwell.open_run` passes one.
        Raises:
            StorageError: there is no run, or it cannot be read.
            DamagedError: its store is damaged or not a store.
        """
        folder = Path(path)
        require_run(folder)
        with StoreReader(folder / STORE) as store:
            meta = store.meta()
            status = status_of(folder, store, meta=meta)
            scores: dict[str, dict[str, float]] = {}
            for score in store.scores():
                scores.setdefault(score.split, {})[score.name] = score.value
            findings = tuple(store.findings())
        try:
            facts = _facts(meta.get("facts"))
            run = cls(folder, status, scores=scores, findings=findings, facts=facts, meta=meta, loader=loader)
            _ = (run.steps, run.seconds)  # damaged numbers are reported now, not when they are read
            return run
        except (ValueError, TypeError, OverflowError) as problem:
            shown = plain(f"{folder / STORE} must be the record of a run, got {problem}")
            raise DamagedError(f"{shown}.") from problem

    @property
    def name(self) -> str:
        """Name of the run, which is that of its folder."""
        return self.path.absolute().name

    @property
    def reason(self) -> str:
        """Why it ended with this status, one sentence; empty for "ok"."""
        return str(self.meta.get("reason", ""))

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self.meta.get("task", ""))

    @property
    def steps(self) -> int:
        """Optimizer steps taken."""
        return int(self.meta.get("steps", 0))

    @property
    def seconds(self) -> float:
        """Training time, over all resumes."""
        return float(self.meta.get("seconds", 0.0))

    @property
    def created(self) -> str:
        """Local time of its start, ISO 8601."""
        return str(self.meta.get("created", ""))

    @property
    def recipe_text(self) -> str:
        """The recipe as TOML."""
        path = self.path / RECIPE
        with storage_errors(f"Reading {path}", self.path):
            if path.stat().st_size > _MAX_TEXT:
                raise StorageError(f"{plain(str(path))} must have at most {_MAX_TEXT} bytes.")
            return path.read_text(encoding="utf-8", errors="replace")

    @property
    def recipe(self) -> Recipe:
        """The recipe.

        Raises:
            RecipeError: the file was changed and cannot be read.
        """
        from trainwell.recipe.toml import load_recipe

        return load_recipe(self.path / RECIPE)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def environment(self) -> Mapping[str, Any]:
        """Versions, machine and command line of its start; empty if they cannot be read."""
        try:
            data = json.loads((self.path / ENVIRONMENT).read_bytes()[:_MAX_TEXT])
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    def model(self, network: Any = None) -> Any:
        """Return the trained network, in eval mode, on the CPU.

        Args:
            network: the architecture, for a run whose network was given from Python.
        Raises:
            UsageError: the run was opened without a loader.
            StorageError: it has no trained network.
            DamagedError: the weights are damaged or belong to another network.
        """
        if self.loader is None:
            raise UsageError("Open the run with trainwell.open_run(path) to get its network.")
        return self.loader(self, network)

    def signals(self) -> Signals:
        """Return all series that have been recorded until now."""
        with StoreReader(self.path / STORE) as store:
            return store.signals()

    def events(self) -> list[Event]:
        """Return all events that have been recorded until now, in order."""
        with StoreReader(self.path / STORE) as store:
            return store.events()

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain data, in the shape `--json` prints; numbers that are not finite become None."""
        plain_data: dict[str, Any] = _finite(
            {
                "run": str(self.path),
                "status": self.status,
                "task": self.task,
                "scores": self.scores,
                "findings": [finding.to_json() for finding in self.findings],
                "seconds": self.seconds,
                "steps": self.steps,
            }
        )
        return plain_data


def require_run(folder: Path) -> None:
    """Check that a folder holds a run.

    Raises:
        StorageError: it is absent or holds none.
    """
    shown = plain(str(folder))
    if not folder.is_dir():
        raise StorageError(f"There is no run at {shown}: no such folder. `trainwell list` shows all runs.")
    if not (folder / STORE).exists():
        raise StorageError(f"There is no run at {shown}: the folder has no {STORE}.")


def status_of(folder: Path, store: StoreReader, *, meta: Mapping[str, Any]) -> str:
    """Return the status of a run; one that is recorded as running while its lock is free was killed."""
    status = str(meta.get("status", "running"))
    if status == "running" and not is_locked(folder):
        # It may have ended between the two reads: the status is written before the lock is released.
        status = str(store.meta().get("status", "running"))
        return "killed" if status == "running" else status
    return status


def _facts(data: object) -> Facts:
    if not isinstance(data, Mapping):
        return Facts()
    known = {entry.name for entry in fields(Facts)}
    given: Any = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known
    }
    return Facts(**given)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
