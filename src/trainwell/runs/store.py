"""The record of a run in one SQLite file: one writer, which batches, and any number of non-blocking readers."""

from __future__ import annotations

import contextlib
import ctypes
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from trainwell.core.descriptors import Descriptors
from trainwell.core.errors import DamagedError, StorageError, TrainwellError
from trainwell.core.files import plain, storage_errors
from trainwell.core.finding import Finding
from trainwell.core.signals import Signals

SCHEMA = 1
_APPLICATION = 0x7472776C  # "trwl": the application id in the header of the SQLite file
_MAX_VALUE = 16_000_000  # bytes of the largest text a reader accepts
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE signals(id INTEGER PRIMARY KEY, name_id INTEGER NOT NULL, step INTEGER NOT NULL, value REAL);
CREATE TABLE scores(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, step INTEGER NOT NULL, split TEXT NOT NULL,
                    name TEXT NOT NULL, value REAL, UNIQUE(epoch, step, split, name));
CREATE TABLE findings(id INTEGER PRIMARY KEY, rule TEXT NOT NULL UNIQUE, step INTEGER NOT NULL, finding TEXT NOT NULL);
CREATE TABLE events(id INTEGER PRIMARY KEY, time REAL NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL,
                    detail TEXT NOT NULL);
"""


class Score(NamedTuple):
    """One score of one split after an epoch."""

    epoch: int
    step: int
    split: str
    name: str
    value: float


class Event(NamedTuple):
    """An event: time (seconds since 1970), last step before it, kind and details."""

    time: float
    step: int
    kind: str
    detail: dict[str, Any]


class Row(NamedTuple):
    """One value of one signal, with its row number in the store."""

    rowid: int
    name: str
    step: int
    value: float


class StoreWriter:
    """Collects values in memory and commits them together, at most once a second.

    SQLite cannot hold NaN: it is stored as NULL and read back as NaN.

    Args:
        path: the file; created if absent. Only the holder of the run's lock may open it.
    Raises:
        StorageError: it cannot be written.
        DamagedError: the file is not a store of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._signals: list[tuple[str, int, float]] = []
        self._scores: list[Score] = []
        self._events: list[Event] = []
        self._findings: list[tuple[str, int, str]] = []
        self._meta: dict[str, Any] = {}
        self._ids: dict[str, int] = {}
        self._step = 0
        # Step of the resume, and the rows of that step by name id: they may be written again.
        self._redone: tuple[int, dict[int, int]] | None = None
        self._is_abandoned = False
        self.due = 0.0  # monotonic time of the next flush
        with self._errors("Opening"):
            if path.is_symlink():
                raise DamagedError(f"{plain(str(path))} must be a file, not a link.")
            fresh = not path.exists()
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            try:
                if not fresh:
                    _check(self._db, path)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                if fresh:
                    self._db.executescript(
                        f"BEGIN; {_TABLES} INSERT INTO meta VALUES('generation', '0');"
                        f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {SCHEMA}; COMMIT;"
                    )
                self._ids = dict(self._db.execute("SELECT name, id FROM names"))
            except BaseException:
                self._db.close()
                raise
        self._descriptors = Descriptors.of_files(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))

    def signal(self, name: str, step: int, *, value: float) -> None:
        """Record one value of one series."""
        self._signals.append((name, step, value))

    def score(self, epoch: int, step: int, *, split: str, scores: Mapping[str, float]) -> None:
        """Record the scores of a split; a second time for the same step they are replaced."""
        self._scores += [Score(epoch, step, split, name, float(value)) for name, value in scores.items()]

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record an event, after the last step of which a signal was recorded."""
        self._events.append(Event(time.time(), self._now(), kind, dict(detail)))

    def finding(self, finding: Finding) -> None:
        """Record a finding; a later one of the same rule replaces it."""
        self._findings.append((finding.rule, self._now(), json.dumps(finding.to_json())))

    def set_meta(self, key: str, value: Any) -> None:
        """Record one fact about the whole run, as JSON."""
        self._meta[key] = value

    def _now(self) -> int:
        return self._signals[-1][1] if self._signals else self._step

    def flush(self) -> None:
        """Commit what was recorded; if that fails, it is kept for the next attempt.

        Raises:
            StorageError: it cannot be written.
        """
        step = self._now()
        if not self._path.exists():  # SQLite would keep writing to a deleted file
            raise StorageError(f"{plain(str(self._path))} is gone: the run was moved or deleted while it was written.")
        self._require_descriptors()
        with self._errors("Writing"), self._transaction():
            ids = self._number_names()
            rows = [(ids[name], int(step), float(value)) for name, step, value in self._signals]
            self._drop_redone(rows)
            run = self._db.executemany
            run("INSERT INTO signals(name_id, step, value) VALUES(?, ?, ?)", rows)
            run("REPLACE INTO scores(epoch, step, split, name, value) VALUES(?, ?, ?, ?, ?)", self._scores)
            run(
                "INSERT INTO findings(rule, step, finding) VALUES(?, ?, ?)"
                "ON CONFLICT(rule) DO UPDATE SET finding = excluded.finding",
                self._findings,
            )
            events = [(event.time, event.step, event.kind, json.dumps(event.detail)) for event in self._events]
            run("INSERT INTO events(time, step, kind, detail) VALUES(?, ?, ?, ?)", events)
            run("REPLACE INTO meta VALUES(?, ?)", [(key, json.dumps(value)) for key, value in self._meta.items()])
        self._ids = ids
        self._step = step
        for pending in (self._signals, self._scores, self._findings, self._events, self._meta):
            pending.clear()
        self.due = time.monotonic() + 1.0

    def _number_names(self) -> dict[str, int]:
        ids = self._ids
        fresh = [name for name in dict.fromkeys(name for name, _, _ in self._signals) if name not in ids]
        if fresh:
            self._db.executemany("INSERT INTO names(name) VALUES(?)", [(name,) for name in fresh])
            ids = dict(self._db.execute("SELECT name, id FROM names"))
        return ids

    def _drop_redone(self, rows: list[tuple[int, int, float]]) -> None:
        """Delete the rows of the step that a resume starts from, if they are written a second time."""
        if self._redone is None or not rows:
            return
        step, old = self._redone
        again = [(old.pop(name_id),) for name_id, at, _ in rows if at == step and name_id in old]
        self._db.executemany("DELETE FROM signals WHERE id = ?", again)
        if any(at > step for _, at, _ in rows):
            self._redone = None

    def rewind(self, step: int) -> None:
        """Delete everything after a step: the run is resumed from there and records it again.

        The generation in `meta` grows, so that readers notice it.

        Args:
            step: last step that is kept; if it is recorded again, the new values replace the old ones.
        """
        self.flush()
        with self._errors("Rewinding"), self._transaction():
            for table in ("signals", "scores", "findings", "events"):
                self._db.execute(f"DELETE FROM {table} WHERE step > ?", (step,))
            self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
            self._redone = step, dict(self._db.execute("SELECT name_id, id FROM signals WHERE step = ?", (step,)))
        self._step = step

    def close(self) -> None:
        """Commit and close; without readers the store is a single file afterwards."""
        try:
            self.flush()
            with contextlib.suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA busy_timeout = 0")
                self._db.execute("PRAGMA journal_mode = DELETE")
        finally:
            if not self._is_abandoned:
                self._db.close()

    def _require_descriptors(self) -> None:
        """Refuse to write if the program that shares this process has closed SQLite's files.

        Their descriptors may be files of the program by now: the connection is never used or closed again.
        """
        if not self._is_abandoned and not self._descriptors.are_intact():
            self._is_abandoned = True
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._db))
        if self._is_abandoned:
            raise StorageError(f"{plain(str(self._path))} was closed by another part of this program.")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _errors(self, verb: str) -> contextlib.AbstractContextManager[None]:
        return storage_errors(f"{verb} the run's store {self._path}", self._path.parent)


class StoreReader:
    """Reads a store while it is being written, without blocking the writer.

    Args:
        path: the file.
    Raises:
        StorageError: it is absent or cannot be read.
        DamagedError: it is not a store of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            if path.is_symlink():
                raise DamagedError(f"{plain(str(path))} must be a file, not a link.")
            try:
                self._db = self._open("mode=ro")
            except sqlite3.OperationalError:
                # In a read-only folder SQLite cannot create the index of its log; without a log it needs none.
                log = path.with_name(path.name + "-wal")
                if not path.exists() or (log.exists() and log.stat().st_size):
                    raise
                self._db = self._open("immutable=1")

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?{mode}", uri=True, timeout=30)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
            _check(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    def meta(self) -> dict[str, Any]:
        """Return the facts about the whole run, by key."""
        with self._errors():
            return {key: json.loads(value) for key, value in self._db.execute("SELECT key, value FROM meta")}

    def signals(self) -> Signals:
        """Return every series."""
        signals = Signals()
        with self._errors():
            names = dict(self._db.execute("SELECT id, name FROM names"))
            for name_id, step, value in self._db.execute("SELECT name_id, step, value FROM signals ORDER BY id"):
                signals.add(names[name_id], step, value=_number(value))
        return signals

    def rows_after(self, rowid: int, *, limit: int = 10_000) -> list[Row]:
        """Return the rows after one, oldest first.

        Args:
            rowid: row number of the last row that is known, 0 for none; start again from 0 when
                `meta()["generation"]` changes.
            limit: largest number of rows.
        """
        query = (
            "SELECT signals.id, name, step, value FROM signals JOIN names ON names.id = name_id "
            "WHERE signals.id > ? ORDER BY signals.id LIMIT ?"
        )
        with self._errors():
            return [
                Row(at, name, step, _number(value)) for at, name, step, value in self._db.execute(query, (rowid, limit))
            ]

    def scores(self) -> list[Score]:
        """Return every score, in the order they were recorded."""
        query = "SELECT epoch, step, split, name, value FROM scores ORDER BY id"
        with self._errors():
            return [
                Score(epoch, step, split, name, _number(value))
                for epoch, step, split, name, value in self._db.execute(query)
            ]

    def last_score(self, split: str, name: str) -> float | None:
        """Return the last recorded score of a name, or None if there is none."""
        query = "SELECT value FROM scores WHERE split = ? AND name = ? ORDER BY id DESC LIMIT 1"
        with self._errors():
            row = self._db.execute(query, (split, name)).fetchone()
            return None if row is None else _number(row[0])

    def findings(self) -> list[Finding]:
        """Return the findings, in the order in which their rules were first recorded."""
        with self._errors():
            rows = self._db.execute("SELECT finding FROM findings ORDER BY id")
            return [Finding.from_json(json.loads(text)) for (text,) in rows]

    def events(self) -> list[Event]:
        """Return the events, in order."""
        with self._errors():
            rows = self._db.execute("SELECT time, step, kind, detail FROM events ORDER BY id")
            return [Event(at, step, kind, json.loads(detail)) for at, step, kind, detail in rows]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> StoreReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        what = f"Reading the run's store {self._path}"
        try:
            with storage_errors(what, self._path.parent):
                yield
        except TrainwellError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise DamagedError(f"{plain(what)} failed: it holds {plain(repr(problem))}.") from problem


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Check that a file is a store of this version; views and triggers of a foreign file are not executed."""
    shown = plain(str(path))
    db.execute("PRAGMA trusted_schema = OFF")
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise DamagedError(f"{shown} must be the store of a run, got another kind of database.")
    if version > SCHEMA:
        raise StorageError(
            f"{shown} must have schema {SCHEMA}, got {version}: install the newer trainwell that wrote it."
        )
    tables = {(kind, name) for kind, name in db.execute("SELECT type, name FROM sqlite_master WHERE type != 'index'")}
    if tables != {("table", name) for name in ("meta", "names", "signals", "scores", "findings", "events")}:
        raise DamagedError(f"{shown} must hold the tables of a run, got others.")
