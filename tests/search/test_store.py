"""Trials in Optuna's database."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.search.space import make_space
from trainwell.search.store import Store, sqlite_address
from trainwell.search.trial import Trial

SPACE = make_space({"optim.learning_rate": "log:1e-4..1", "nn.hidden": [[8], [8, 8]], "train.batch_size": "log:8..64"})
TRIALS = [
    Trial(0, {"optim.learning_rate": 1e-4, "nn.hidden": (8, 8), "train.batch_size": 8}, "done", 0.9, {"loss": 0.1}),
    Trial(1, {"optim.learning_rate": 1.0, "nn.hidden": (8,), "train.batch_size": 64}, "diverged", reason="boom"),
    Trial(2, {"optim.learning_rate": 0.1, "nn.hidden": (8,)}, "stopped", 0.5, {"loss": 1.0}, rungs={1: 0.5}, epochs=1),
]


def store(folder: Path, **identity: object) -> Store:
    return Store(sqlite_address(folder / "study.sqlite"), "s", space=SPACE, identity={"seed": 0} | identity)


def test_trials_are_read_back_as_they_were(tmp_path: Path) -> None:
    store(tmp_path).add(TRIALS)
    assert store(tmp_path).load() == TRIALS


def test_optuna_reads_the_database(tmp_path: Path) -> None:
    import optuna

    store(tmp_path).add(TRIALS)
    study = optuna.load_study(study_name="s", storage=sqlite_address(tmp_path / "study.sqlite"))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "PRUNED"]
    assert study.best_trial.params["nn.hidden"] == "[8, 8]" and study.best_value == 0.9
    assert study.trials[2].intermediate_values == {1: 0.5}


def test_another_study_under_the_same_name_is_refused(tmp_path: Path) -> None:
    store(tmp_path).add(TRIALS)
    with pytest.raises(UsageError, match="another seed"):
        store(tmp_path, seed=1)


def test_trials_are_begun_by_one_process(tmp_path: Path) -> None:
    kept, host = store(tmp_path), socket.gethostname()
    assert kept.claim(0) and store(tmp_path).claim(0)  # its own, after a search was broken off in a notebook
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    for number, (owner, free) in enumerate(
        [(f"{host}-{os.getppid()}", False), (f"not-{host}-{child.pid}", False), (f"{host}-{child.pid}", True)]
    ):
        kept.tell(f"begun-{number}", owner)
        assert kept.claim(number) is free, owner


def test_processes_that_make_the_tables_together_all_get_them(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: store(tmp_path), range(4)))
    made[0].add(TRIALS)
    assert all(each.load() == TRIALS for each in made)


def test_two_studies_in_one_file_stay_apart(tmp_path: Path) -> None:
    address = sqlite_address(tmp_path / "both.sqlite")
    one, other = (Store(address, name, space=SPACE, identity={}, shared=True) for name in ("one", "other"))
    one.add(TRIALS)
    other.add(TRIALS[:1])
    assert one.load() == TRIALS and other.load() == TRIALS[:1]


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    store(tmp_path).add(TRIALS)
    for path in tmp_path.glob("study.sqlite-*"):
        path.unlink()
    (tmp_path / "study.sqlite").write_bytes(b"no database at all, only text" * 100)
    with pytest.raises(DamagedError, match="study.sqlite") as caught:
        store(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_locked_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwell.search.store._TIMEOUT", 0.1)
    kept = store(tmp_path)
    holder = sqlite3.connect(tmp_path / "study.sqlite")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="another process keeps"):
        store(tmp_path)
    with pytest.raises(StorageError, match="another process keeps") as caught:
        kept.add(TRIALS)
    assert "\n" not in str(caught.value)
    holder.close()
    kept.add(TRIALS)
    assert len(kept.load()) == 3


def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Store(sqlite_address(tmp_path / "absent" / "x.sqlite"), "s", space=SPACE, identity={})
    assert "\n" not in str(caught.value)


def test_many_trials_stay_responsive(tmp_path: Path) -> None:
    kept = store(tmp_path)
    point = {"optim.learning_rate": 0.1, "nn.hidden": (8,), "train.batch_size": 8}
    many = [Trial(n, point, "done", 0.5, {"loss": 1.0, "accuracy": 0.5}, rungs={1: 0.4, 3: 0.5}) for n in range(1000)]
    started = time.process_time()
    kept.add(many)
    assert time.process_time() - started < 1.0  # a millisecond each
    started = time.process_time()
    assert len(store(tmp_path).load()) == 1000
    assert time.process_time() - started < 1.0


@pytest.mark.skipif("TRAINWELL_TEST_POSTGRES" not in os.environ, reason="TRAINWELL_TEST_POSTGRES names no database")
def test_a_postgresql_database_keeps_a_study_and_another_recipe_is_refused() -> None:
    address, name = os.environ["TRAINWELL_TEST_POSTGRES"], f"test-{os.getpid()}-{time.time_ns()}"
    Store(address, name, space=SPACE, identity={"seed": 0}).add(TRIALS)
    assert Store(address, name, space=SPACE, identity={"seed": 0}).load() == TRIALS
    with pytest.raises(UsageError, match="another seed"):
        Store(address, name, space=SPACE, identity={"seed": 1})
