"""Handing the trials of a study to Optuna, for its dashboard and its plots."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from trainwell.core.errors import StorageError
from trainwell.core.files import plain, storage_errors
from trainwell.search.study import Study
from trainwell.search.trials.optuna_format import NUMBER, to_optuna_trial
from trainwell.search.trials.read_space import make_space

JOURNAL = "optuna.journal"


def export_to_optuna(study: Study, storage: str = "") -> str:
    """Add the finished trials of a study to an Optuna study of the same name.

    It can be repeated while the search runs: trials that are there already are not added again.

    Args:
        study: the study.
        storage: URL of a database ("sqlite:///optuna.sqlite", "postgresql://…"), or path of an Optuna journal file,
            which is ten times as fast; empty for a journal file in the study's folder.
    Returns:
        the storage, as `optuna-dashboard` takes it.
    Raises:
        StorageError: the storage cannot be written.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    storage = storage or str(study.path / JOURNAL)
    space = make_space(study.spec["space"])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings(), storage_errors(f"Writing the Optuna study to {storage}"):
            warnings.simplefilter("ignore")  # Optuna marks stable parts as experimental
            target = optuna.create_study(
                storage=_open(storage), study_name=study.path.name, direction="maximize", load_if_exists=True
            )
            known = {trial.user_attrs.get(NUMBER) for trial in target.get_trials(deepcopy=False)}
            new = [trial for trial in study.trials if trial.number not in known]
            target.add_trials([to_optuna_trial(trial, space) for trial in new])
    except SQLAlchemyError as problem:
        reason = plain(str(problem)).partition("\n")[0]
        raise StorageError(f"The Optuna storage {storage.rpartition('@')[2]} cannot be written: {reason}.") from None
    return storage


def _open(storage: str) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if "://" in storage:
        return RDBStorage(storage)
    return JournalStorage(JournalFileBackend(str(Path(storage))))
