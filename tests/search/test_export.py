"""Trials handed to Optuna."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from trainwell.core.errors import StorageError
from trainwell.search.export import JOURNAL, export_to_optuna
from trainwell.search.study import Study
from trainwell.search.trials.read_space import make_space
from trainwell.search.trials.trial import Trial, ValidationScores

SPACE = make_space({"optim.learning_rate": "log:1e-4..1", "nn.hidden": [[8], [8, 8]], "train.batch_size": "log:8..64"})
TRIALS = (
    Trial(
        0,
        {"optim.learning_rate": 1e-4, "nn.hidden": (8, 8), "train.batch_size": 8},
        state="done",
        validation=ValidationScores(0.9, {"loss": 0.1}),
    ),
    Trial(1, {"optim.learning_rate": 1.0, "nn.hidden": (8,), "train.batch_size": 64}, state="diverged", reason="boom"),
    Trial(
        2,
        {"optim.learning_rate": 0.1, "nn.hidden": (8,)},
        state="stopped",
        validation=ValidationScores(0.5, {"loss": 1.0}, rungs={1: 0.5}),
    ),
)


def study(folder: Path, *trials: Trial) -> Study:
    (folder / "s").mkdir(exist_ok=True)
    return Study(folder / "s", {"space": SPACE.to_json(), "main_score": "accuracy"}, trials=trials)


def loaded(storage: str) -> optuna.Study:
    target = storage if "://" in storage else JournalStorage(JournalFileBackend(storage))
    return optuna.load_study(study_name="s", storage=target)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("form", ["journal", "database"])
def test_optuna_reads_the_trials_and_none_is_added_twice(tmp_path: Path, form: str) -> None:
    storage = "" if form == "journal" else f"sqlite:///{tmp_path / 'optuna.sqlite'}"
    written = export_to_optuna(study(tmp_path, *TRIALS[:1]), storage)
    assert written == (storage or str(tmp_path / "s" / JOURNAL))
    export_to_optuna(study(tmp_path, *TRIALS), storage)
    found = loaded(written)
    assert [trial.state.name for trial in found.trials] == ["COMPLETE", "FAIL", "PRUNED"]
    assert found.best_trial.params["nn.hidden"] == "[8, 8]" and found.best_value == 0.9
    assert found.trials[2].intermediate_values == {1: 0.5}


def test_a_storage_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE studies (id)")
    for storage in ("sqlite:////absent/folder/x.sqlite", "/absent/folder/journal"):
        with pytest.raises(StorageError) as caught:
            export_to_optuna(study(tmp_path, *TRIALS), storage)
        assert "\n" not in str(caught.value)
