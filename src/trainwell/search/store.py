"""The database of a search: finished trials, and which process works on what.

By default a SQLite file in the study's folder; by URL any database that SQLAlchemy reaches, so that several processes
can share one study. Trials are rows of JSON text that are only ever added.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.core.files import plain, storage_errors
from trainwell.search.trials.trial import Trial

_TIMEOUT = 10.0  # seconds to wait for a locked SQLite file
# Of processes that create the tables at the same time, PostgreSQL refuses all but one: seconds between the attempts.
_ATTEMPTS = (0.1, 0.3, 1.0)

_METADATA = sa.MetaData()
_STUDIES = sa.Table(
    "trainwell_studies",
    _METADATA,
    sa.Column("study", sa.Text, primary_key=True),
    sa.Column("identity", sa.Text, nullable=False),
)
_TRIALS = sa.Table(
    "trainwell_trials",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("study", sa.Text, nullable=False),
    sa.Column("trial", sa.Text, nullable=False),
)
_CLAIMS = sa.Table(
    "trainwell_claims",
    _METADATA,
    sa.Column("study", sa.Text, primary_key=True),
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
)
_NOTES = sa.Table(
    "trainwell_notes",
    _METADATA,
    sa.Column("study", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


@final
class TrialStore:
    """The trials of one study in a database.

    Args:
        url: of the database: "sqlite:///…/study.sqlite", "postgresql://user@host/name".
        name: of the study in it.
        identity: what tells this study from another one of the same name: data, space, method.
        shared: True if other processes may add trials to the same study.
    Raises:
        UsageError: the database holds a study of this name with another identity, or needs a driver.
        DamagedError: the database is damaged.
        StorageError: the database cannot be reached or written.
    """

    def __init__(self, url: str, name: str, *, identity: Mapping[str, Any], shared: bool = False) -> None:
        self.shared = shared
        self._name = name
        self._description = f"The study database {url.rpartition('@')[2]}"
        self._is_file = url.startswith("sqlite")
        with self._errors("opening"):
            self._engine = _connect(url)
        try:
            with self._errors("opening"):
                _create_tables(self._engine)
            self._check_identity(identity)
        except BaseException:
            self.close()
            raise

    def add(self, trials: Sequence[Trial]) -> None:
        """Add finished trials in one transaction; they survive the end of this process from then on."""
        rows = [{"study": self._name, "trial": trial.text} for trial in trials]
        if rows:
            with self._transaction("writing") as connection:
                connection.execute(sa.insert(_TRIALS), rows)

    def load(self) -> list[Trial]:
        """Return the finished trials by number. A trial that was interrupted is replaced by its repetition.

        Raises:
            DamagedError: a row is not a trial.
        """
        query = sa.select(_TRIALS.c.trial).where(_TRIALS.c.study == self._name).order_by(_TRIALS.c.id)
        with self._transaction("reading") as connection:
            texts = connection.scalars(query).all()
        found: dict[int, Trial] = {}
        for text in texts:
            try:
                trial = Trial.from_text(text)
            except (ValueError, KeyError, TypeError) as problem:
                raise self._damaged(str(problem)) from None
            if not trial.is_interrupted or trial.number not in found:
                found[trial.number] = trial
        return [found[number] for number in sorted(found)]

    def claim(self, task: int | str) -> bool:
        """Reserve a task for this process: the trials from a number on, or the winner's training.

        Returns:
            True if the task is this process's; False if another process that may still be running has claimed it.
        """
        own = f"{socket.gethostname()}-{os.getpid()}"
        place = (_CLAIMS.c.study == self._name) & (_CLAIMS.c.task == str(task))
        self._insert_if_absent(_CLAIMS, task=str(task), owner=own)
        with self._transaction("reading") as connection:
            owner = connection.scalar(sa.select(_CLAIMS.c.owner).where(place))
        if owner is None or owner == own:  # None: it was released a moment ago
            return owner == own
        if _may_be_running(owner):
            return False
        # Of several processes that find the owner gone, the condition lets one take over.
        with self._transaction("writing") as connection:
            taken = connection.execute(sa.update(_CLAIMS).where(place, _CLAIMS.c.owner == owner).values(owner=own))
        return bool(taken.rowcount)

    def release(self, task: int | str) -> None:
        """Give a claimed task back, so that another process can claim it."""
        with self._transaction("writing") as connection:
            connection.execute(sa.delete(_CLAIMS).where(_CLAIMS.c.study == self._name, _CLAIMS.c.task == str(task)))

    def write(self, key: str, value: Any) -> None:
        """Keep a JSON value with the study, for all processes that share it."""
        place = (_NOTES.c.study == self._name) & (_NOTES.c.key == key)
        self._insert_if_absent(_NOTES, key=key, value=json.dumps(value))
        with self._transaction("writing") as connection:
            connection.execute(sa.update(_NOTES).where(place).values(value=json.dumps(value)))

    def read(self, key: str) -> Any:
        """Return the value that was written under a key; None if there is none."""
        query = sa.select(_NOTES.c.value).where(_NOTES.c.study == self._name, _NOTES.c.key == key)
        with self._transaction("reading") as connection:
            text = connection.scalar(query)
        return None if text is None else json.loads(text)

    def __enter__(self) -> TrialStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _check_identity(self, identity: Mapping[str, Any]) -> None:
        given = json.dumps(dict(identity))
        self._insert_if_absent(_STUDIES, identity=given)
        with self._transaction("reading") as connection:
            kept = json.loads(
                connection.scalars(sa.select(_STUDIES.c.identity).where(_STUDIES.c.study == self._name)).one()
            )
        different = [key for key, value in json.loads(given).items() if kept.get(key) != value]
        if different:
            raise UsageError(
                f"{self._description} holds a study with another {' and '.join(different)}. "
                "Choose another name, or leave the settings as they were."
            )

    def _insert_if_absent(self, table: sa.Table, **values: str) -> None:
        """Insert a row of this study, unless a row with its key exists; safe where several processes do it at once."""
        with self._errors("writing"):
            try:
                with self._engine.begin() as connection:
                    connection.execute(sa.insert(table), {"study": self._name, **values})
            except IntegrityError:
                pass

    @contextlib.contextmanager
    def _transaction(self, action: str) -> Iterator[sa.Connection]:
        with self._errors(action), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        """Turn the errors of SQLAlchemy and of the database driver into one sentence."""
        try:
            with storage_errors(f"{action.capitalize()} the study"):
                yield
        except ImportError:
            raise UsageError(
                f"{self._description} needs a driver that is not installed. "
                "For PostgreSQL: pip install 'psycopg[binary]'."
            ) from None
        except SQLAlchemyError as problem:
            raise self._translated(problem, action) from None

    def _translated(self, problem: SQLAlchemyError, action: str) -> StorageError | UsageError:
        reason = plain(str(problem.orig if isinstance(problem, DBAPIError) else problem)).partition("\n")[0]
        if isinstance(problem, ArgumentError):
            return UsageError(f"--storage must be the URL of a database, got an invalid one: {reason}.")
        if any(word in reason for word in ("malformed", "not a database", "no such")):
            return self._damaged(reason)
        if "locked" in reason:
            reason = "another process keeps it locked; wait or stop it"
        return StorageError(f"{self._description} failed while {action}: {reason}.")

    def _damaged(self, reason: str) -> DamagedError:
        hint = "or move it away and resume: study.json has the trials too" if self._is_file else "or start a new study"
        return DamagedError(f"{self._description} is damaged or not a database ({plain(reason)}). Restore it, {hint}.")


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite:///{path.absolute()}"


def _connect(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url)
    engine = sa.create_engine(url, connect_args={"timeout": _TIMEOUT})

    def configure(connection: Any, record: object) -> None:
        # With a write-ahead log, a commit waits for the disk only at checkpoints: five times as fast, and a power
        # failure loses the last commits at most.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    sa.event.listen(engine, "connect", configure)
    return engine


def _create_tables(engine: sa.Engine) -> None:
    for pause in (*_ATTEMPTS, 0.0):
        try:
            with engine.begin() as connection:
                for table in _METADATA.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
            return
        except (IntegrityError, sa.exc.ProgrammingError):
            if not pause:
                raise
            time.sleep(pause)


def _may_be_running(owner: str) -> bool:
    """Return False if a process, "host-number", ran on this host and is gone; of other hosts nothing is known."""
    host, _, number = owner.rpartition("-")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True
