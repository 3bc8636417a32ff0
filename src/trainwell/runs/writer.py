"""The writer of a run: creates its folder atomically and records signals, scores, findings and events."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from trainwell.core.errors import Interrupted, LockedError, StorageError, UsageError
from trainwell.core.facts import Facts
from trainwell.core.files import TEMPORARY, fsync_folder, plain, storage_errors, tidy, write_durably
from trainwell.core.finding import Finding
from trainwell.runs.environment import environment
from trainwell.runs.lock import RunLock, is_locked, owner
from trainwell.runs.names import CHECKPOINTS, ENVIRONMENT, RECIPE, STORE
from trainwell.runs.run import require_run
from trainwell.runs.store import StoreReader, StoreWriter

STATUSES = ("ok", "failed", "interrupted")
_MAX_NAME = 100


class RunWriter:
    """Writes one run from `create` or `reopen` until `finish`, and holds its lock.

    As a context manager it finishes the run: "ok", or "failed" or "interrupted" with the reason. It is a `Recorder`: a
    signal costs less than a microsecond and is written to disk about once a second.

    >>> import tempfile
    >>> from trainwell.runs import Run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with RunWriter.create(Path(folder), "first", recipe_text="seed = 1") as writer:
    ...         writer.signal("loss/train", 0, value=2.3)
    ...     run = Run.open(writer.path)
    ...     run.status, run.signals()["loss/train"].values
    ('ok', [2.3])
    """

    def __init__(self, path: Path, lock: RunLock) -> None:
        self.path = path
        self._lock = lock
        self._store = StoreWriter(path / STORE)
        self._started = time.monotonic()
        self._finished = False
        try:
            with StoreReader(path / STORE) as store:
                self._seconds_before = float(store.meta().get("seconds", 0.0))
            self.set_meta("status", "running")
            self.set_meta("reason", "")
            self.flush()
        except BaseException:
            with contextlib.suppress(StorageError):
                self._store.close()
            raise

    # Opening ------------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, runs_folder: Path, name: str | None = None, *, recipe_text: str) -> RunWriter:
        """Create a new run, atomically.

        Args:
            runs_folder: folder of all runs; created if absent.
            name: its name; by default that of the data and the time, made unique.
            recipe_text: the recipe, TOML.
        Raises:
            UsageError: the name is not a valid folder name, or is taken.
            LockedError: a run of this name is being written.
            StorageError: it cannot be written.
        """
        given = name is not None
        name = check_name(name) if name is not None else _default_name(recipe_text)
        with storage_errors(f"Making the run {runs_folder / name}", runs_folder):
            runs_folder.mkdir(parents=True, exist_ok=True)
            temporary = runs_folder / f"{TEMPORARY}{secrets.token_hex(8)}"
            temporary.mkdir()
            try:
                lock = RunLock(temporary)
                try:
                    _fill(temporary, recipe_text)
                    path = _place(temporary, runs_folder / name, unique=not given)
                    return cls(path, lock)
                except BaseException:
                    lock.release()
                    raise
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise

    @classmethod
    def reopen(cls, path: Path) -> RunWriter:
        """Open a run for writing again, to resume it.

        Raises:
            LockedError: it is being written.
            StorageError: there is no run, or it cannot be written.
            DamagedError: its store is damaged.
        """
        require_run(path)
        lock = RunLock(path)
        try:
            tidy(path)
            tidy(path / CHECKPOINTS)
            return cls(path, lock)
        except BaseException:
            lock.release()
            raise

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / CHECKPOINTS

    # Recording ----------------------------------------------------------------------------------------------------

    def signal(self, name: str, step: int, *, value: float) -> None:
        """Record one value of one series."""
        self._store.signal(name, step, value=value)

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record an event."""
        self._store.event(kind, detail)

    def score(self, epoch: int, step: int, *, split: str, scores: Mapping[str, float]) -> None:
        """Record the scores of a split; the last ones are the scores of the run."""
        self._store.score(epoch, step, split=split, scores=scores)

    def finding(self, finding: Finding) -> None:
        """Record a finding; a later one of the same rule replaces it."""
        self._store.finding(finding)

    def describe(self, *, task: str, main_score: str, model: str, facts: Facts) -> None:
        """Record what is known before training.

        Args:
            task: name of the task.
            main_score: name of the score that the list of runs shows, on the validation split.
            model: name of the architecture.
            facts: everything else.
        """
        for key, value in {"task": task, "main_score": main_score, "model": model, "facts": asdict(facts)}.items():
            self.set_meta(key, value)

    def set_meta(self, key: str, value: Any) -> None:
        """Record a fact about the whole run, as JSON."""
        self._store.set_meta(key, value)

    def progress(self, steps: int) -> None:
        """Record the number of steps of the run."""
        self._store.set_meta("steps", steps)

    def rewind(self, step: int) -> None:
        """Delete what was recorded after a step; see `StoreWriter.rewind`."""
        self._store.rewind(step)

    def flush_if_due(self) -> None:
        """Commit if the last commit was a second ago."""
        if time.monotonic() >= self._store.due:
            self.flush()

    def flush(self) -> None:
        """Commit what was recorded. This is done before a checkpoint, so that the record is never behind it."""
        self._store.set_meta("seconds", round(self._seconds_before + time.monotonic() - self._started, 3))
        self._store.flush()

    # Closing ------------------------------------------------------------------------------------------------------

    def finish(self, status: str, reason: str = "") -> None:
        """End the run and release its lock; may be called more than once.

        Args:
            status: "ok", "failed" or "interrupted".
            reason: why, in one sentence.
        Raises:
            StorageError: it cannot be written; the run then counts as killed.
        """
        if status not in STATUSES:
            raise UsageError(f"The status must be one of {', '.join(STATUSES)}, got {status!r}.")
        if self._finished:
            return
        self._finished = True
        self.set_meta("status", status)
        self.set_meta("reason", reason)
        try:
            self.flush()
        finally:
            try:
                self._store.close()
            finally:
                self._lock.release()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.finish("ok")
            return
        status = "interrupted" if isinstance(error, (KeyboardInterrupt, Interrupted)) else "failed"
        with contextlib.suppress(StorageError):  # the error that is being raised says more
            self.finish(status, str(error) or type(error).__name__)


def check_name(name: str) -> str:
    """Return a name that is safe as a folder name.

    Raises:
        UsageError: it is not.

    >>> check_name("../x")
    Traceback (most recent call last):
    trainwell.core.errors.UsageError: The name of a run must be 1 to 100 letters, digits, spaces or . _ + = - ...
    """
    if len(name) > _MAX_NAME or not re.fullmatch(r"[\w+=][\w .+=-]*", name) or name != name.strip():
        raise UsageError(
            f"The name of a run must be 1 to {_MAX_NAME} letters, digits, spaces or . _ + = - and start with a letter "
            f"or digit, got {name[:_MAX_NAME]!r}."
        )
    if len(name.encode()) > 200:
        raise UsageError(f"The name of a run must be at most 200 bytes long, got {len(name.encode())}.")
    return name


def _default_name(recipe_text: str) -> str:
    source = "run"
    with contextlib.suppress(ValueError, AttributeError):
        source = str(tomllib.loads(recipe_text).get("data", {}).get("source", source))
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", Path(source).stem).strip("-")[:40] or "run"
    return f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"


def _fill(folder: Path, recipe_text: str) -> None:
    write_durably(folder / RECIPE, recipe_text.encode())
    write_durably(folder / ENVIRONMENT, json.dumps(environment(sys.argv[1:]), indent=1).encode())
    (folder / CHECKPOINTS).mkdir()
    store = StoreWriter(folder / STORE)
    store.set_meta("status", "running")
    store.set_meta("created", datetime.now().astimezone().isoformat(timespec="seconds"))
    store.close()  # SQLite must be closed while its folder is renamed
    fsync_folder(folder)


def _place(temporary: Path, wanted: Path, *, unique: bool) -> Path:
    """Rename the finished folder to its name, which makes it visible; an empty folder of that name is replaced."""
    number = 1
    path = wanted
    while True:
        try:
            os.rename(temporary, path)
            fsync_folder(path.parent)
            return path
        except OSError:
            if not path.exists() and not path.is_symlink():
                raise
        if not unique:
            raise _taken(path)
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")


def _taken(path: Path) -> Exception:
    shown = plain(str(path))
    if is_locked(path):
        who = owner(path)
        return LockedError(
            f"The run {shown} is being written by {who.describe() if who else 'another process'}: choose another name."
        )
    if (path / STORE).exists():
        return UsageError(f"There already is a run at {shown}: resume it, or choose another name.")
    return UsageError(f"{shown} exists and is not a run: choose another name.")
