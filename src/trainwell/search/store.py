"""Trials on disk, in Optuna's own database, so that its dashboard and its other users can read them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, final

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.core.files import plain, storage_errors
from trainwell.recipe.sections.setting import Value
from trainwell.search.space import Choice, Range, Space
from trainwell.search.trial import Trial

_TIMEOUT = 10.0  # seconds to wait for a database that is locked
# Seconds after which to look again whether another process has made the tables, and what databases say meanwhile.
_PAUSES, _MADE = (0.1, 0.3, 1.0, 2.0), ("UNIQUE", "already exists", "duplicate key")

# Optuna's tables as they have been since 3.2 (optuna/storages/_rdb/models.py).
_SCHEMA = "v3.2.0.a"
_TRIAL = (
    "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_PARAM = "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)"
_VALUE = "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')"
_RUNG = (
    "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
    "VALUES (?, ?, ?, 'FINITE')"
)
_STATES = {"done": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL"}
_KEPT = (
    "SELECT value_json FROM trial_user_attributes JOIN trials USING (trial_id) JOIN studies USING (study_id) "
    "WHERE key = 'trial' AND study_name = ?"
)
_ATTRIBUTE = "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, 'trial', ?)"


def distribution(kind: Range | Choice) -> Any:
    """Return a range or choice as Optuna writes it; lists become text."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(kind, Choice):
        return CategoricalDistribution([_plain(value) for value in kind.values])
    if kind.whole:
        return IntDistribution(int(kind.low), int(kind.high), log=kind.log)
    return FloatDistribution(kind.low, kind.high, log=kind.log)


def suggest(trial: Any, key: str, kind: Range | Choice) -> Value:
    """Ask an Optuna trial for a value."""
    if isinstance(kind, Choice):
        given = trial.suggest_categorical(key, [_plain(value) for value in kind.values])
        return next(value for value in kind.values if _plain(value) == given)
    ask = trial.suggest_int if kind.whole else trial.suggest_float
    value: Value = ask(key, int(kind.low) if kind.whole else kind.low, kind.high, log=kind.log)
    return value


def to_optuna(trial: Trial, space: Space) -> Any:
    """Return a trial as Optuna keeps it; the whole of it is in the attribute "trial"."""
    from optuna.trial import TrialState, create_trial

    kinds = {key: space.settings[key] for key in trial.settings}
    return create_trial(
        state=TrialState[_STATES[trial.state]],
        params={key: _plain(value) for key, value in trial.settings.items()},
        distributions={key: distribution(kind) for key, kind in kinds.items()},
        value=trial.score if trial.state != "diverged" else None,
        intermediate_values=dict(trial.rungs),
        user_attrs={"trial": trial.text},
    )


@final
class Store:
    """The database of one study.

    Args:
        address: where: "sqlite:///…/study.sqlite", "postgresql://…".
        name: of the study in it.
        space: what is varied.
        identity: what makes it this study and no other; kept with it.
        shared: True if other processes may write trials of the same study meanwhile.
    Raises:
        UsageError: the study in the database is of another recipe, space or method.
        DamagedError: the database is damaged.
        StorageError: it cannot be reached or written.
    """

    def __init__(
        self, address: str, name: str, *, space: Space, identity: Mapping[str, Any], shared: bool = False
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.shared = shared
        self._space, self._what = space, f"The study database {address.rpartition('@')[2]}"
        self._file = address.removeprefix("sqlite:///") if address.startswith("sqlite:///") else ""
        with self._errors("opening"):
            self._study = _create(address, name)
            kept = self._study.user_attrs.get("identity")
            if kept is None:
                self._study.set_user_attr("identity", dict(identity))
        self._kinds = {key: distribution(kind) for key, kind in space.settings.items()}
        different = [key for key in identity if kept is not None and kept.get(key) != identity[key]]
        if different:
            raise UsageError(
                f"{self._what} holds a study with another {' and '.join(different)}. "
                "Choose another name, or leave the settings as they were."
            )

    def load(self) -> list[Trial]:
        """Return the trials that are finished, by number."""
        with self._errors("reading"):
            if self._file and _known(self._file):
                with contextlib.closing(sqlite3.connect(self._file)) as db:
                    rows = db.execute(_KEPT, (self._study.study_name,)).fetchall()
                kept = json.loads(f"[{','.join(text for (text,) in rows)}]")
            else:
                kept = [trial.user_attrs.get("trial") for trial in self._study.get_trials(deepcopy=False)]
            trials = {trial.number: trial for trial in map(Trial.from_text, filter(None, kept))}
        return [trials[number] for number in sorted(trials)]

    def claim(self, what: int | str) -> bool:
        """Tell the processes that share the study that this one begins something: the trials from a number on, say.

        Returns:
            False if another has begun it and is not known to be dead. Two that ask in the same millisecond may both
            get it; trials are functions of their numbers, so that nothing but time is lost.
        """
        own = f"{socket.gethostname()}-{os.getpid()}"
        if (owner := self.told(key := f"begun-{what}")) not in (None, own) and _lives(owner):
            return False
        self.tell(key, own)
        return bool(self.told(key) == own)

    def tell(self, key: str, value: Any) -> None:
        """Keep something with the study, for all processes that share it."""
        with self._errors("writing"):
            self._study.set_user_attr(key, value)

    def told(self, key: str) -> Any:
        """Return what was told under this key; None if nothing was."""
        with self._errors("reading"):
            return self._study.user_attrs.get(key)

    def add(self, trials: Sequence[Trial]) -> None:
        """Write finished trials; they are on the disk when this returns."""
        with self._errors("writing"):
            if self._file and _known(self._file):
                _insert(self._file, self._study.study_name, trials, kinds=self._kinds)
            else:
                self._study.add_trials([to_optuna(trial, self._space) for trial in trials])

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        """Turn what SQLAlchemy and Optuna raise into one sentence."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with storage_errors(f"{doing.capitalize()} the study"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Optuna calls stable parts experimental
                yield
        except ImportError:
            raise UsageError(
                f"{self._what} needs a driver that is not installed. For PostgreSQL: pip install 'psycopg[binary]'."
            ) from None
        except Exception as problem:
            wrong = isinstance(problem, (ValueError, KeyError, TypeError))
            if not (wrong or isinstance(problem, SQLAlchemyError) or type(problem).__module__.startswith("optuna")):
                raise
            cause = problem.__cause__ or problem
            text = plain(str(getattr(cause, "orig", None) or cause)).partition("\n")[0]
            if wrong or any(word in text for word in ("malformed", "not a database", "no such")):
                hint = "or move it away and resume: study.json has the trials too" if self._file else "or start anew"
                raise DamagedError(f"{self._what} is damaged or is none ({text}). Restore it, {hint}.") from None
            hint = "another process keeps it locked; wait or stop it" if "locked" in text else text
            raise StorageError(f"{self._what} failed while {doing}: {hint}.") from None


def _lives(owner: str) -> bool:
    """Tell whether a process, host-number, may live still; who is on another host may."""
    host, _, number = owner.rpartition("-")
    try:
        os.kill(int(number) if host == socket.gethostname() else os.getpid(), 0)
    except OSError as problem:
        return not isinstance(problem, ProcessLookupError)  # it may be another user's
    return True


def sqlite_address(path: Path) -> str:
    """Return the address of a SQLite file."""
    return f"sqlite:///{path.absolute()}"


def _known(file: str) -> bool:
    """Tell whether the tables are those `_insert` knows; other versions are written by Optuna itself, slowly."""
    with contextlib.closing(sqlite3.connect(file)) as db:
        return bool(db.execute("SELECT 1 FROM alembic_version WHERE version_num = ?", (_SCHEMA,)).fetchone())


def _insert(file: str, study: str, trials: Sequence[Trial], *, kinds: Mapping[str, Any]) -> None:
    """Write trials in one transaction: 0.1 ms each, where Optuna's own way takes 4 ms, as long as a small training."""
    from optuna.distributions import distribution_to_json

    written, now = {key: distribution_to_json(kind) for key, kind in kinds.items()}, str(datetime.now())
    with contextlib.closing(sqlite3.connect(file, timeout=_TIMEOUT, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("BEGIN IMMEDIATE")
        (owner,) = db.execute("SELECT study_id FROM studies WHERE study_name = ?", (study,)).fetchone()
        (number,) = db.execute("SELECT count(*) FROM trials WHERE study_id = ?", (owner,)).fetchone()
        (first,) = db.execute("SELECT coalesce(max(trial_id), 0) + 1 FROM trials").fetchone()
        numbered = list(enumerate(trials, first))
        db.executemany(_TRIAL, [(i, number + i - first, owner, _STATES[each.state], now, now) for i, each in numbered])
        settings = ((i, key, value) for i, trial in numbered for key, value in trial.settings.items())
        rows = [(i, key, kinds[key].to_internal_repr(_plain(value)), written[key]) for i, key, value in settings]
        db.executemany(_PARAM, rows)
        db.executemany(_VALUE, [(i, trial.score) for i, trial in numbered if trial.score is not None])
        db.executemany(_RUNG, [(i, step, value) for i, trial in numbered for step, value in trial.rungs.items()])
        db.executemany(_ATTRIBUTE, [(i, json.dumps(trial.text)) for i, trial in numbered])
        db.execute("COMMIT")


def _create(address: str, name: str) -> Any:
    """Open a study, or make it; of processes that make its tables at the same time, one is first."""
    import optuna

    for pause in (*_PAUSES, 0.0):
        try:
            return optuna.create_study(
                storage=_connect(address), study_name=name, direction="maximize", load_if_exists=True
            )
        except Exception as problem:
            if not pause or not any(word in f"{problem} {problem.__cause__}" for word in _MADE):
                raise
            time.sleep(pause)


def _connect(address: str) -> Any:
    import optuna
    import sqlalchemy

    patience = {"timeout": _TIMEOUT} if address.startswith("sqlite") else {}
    storage = optuna.storages.RDBStorage(address, engine_kwargs={"connect_args": patience})
    if address.startswith("sqlite"):

        def configure(connection: Any, record: object) -> None:
            # A commit then waits for the disk only at checkpoints: five times as fast, and no trial can be torn.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

        storage.engine.dispose()
        sqlalchemy.event.listen(storage.engine, "connect", configure)
    return storage


def _plain(value: Value) -> bool | int | float | str:
    return str(list(value)) if isinstance(value, tuple) else value
