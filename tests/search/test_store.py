"""The database of a search."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.search.store import TrialStore, sqlite_url
from trainwell.search.trials.trial import INTERRUPTED, Trial, ValidationScores

TRIALS = [
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
        epochs=1,
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Callable[..., TrialStore]]:
    """Open the database of a test; all are closed in the end."""
    with contextlib.ExitStack() as opened:

        def make(name: str = "s", file: str = "study.sqlite", **identity: object) -> TrialStore:
            url = sqlite_url(tmp_path / file)
            return opened.enter_context(TrialStore(url, name, identity={"seed": 0} | identity))

        yield make


Open = Callable[..., TrialStore]


def test_trials_are_read_back_as_they_were(store: Open) -> None:
    store().add(TRIALS)
    assert store().load() == TRIALS


def test_the_repetition_of_an_interrupted_trial_replaces_it_and_never_the_other_way_round(store: Open) -> None:
    kept = store()
    cut = dataclasses.replace(TRIALS[0], state="stopped", reason=INTERRUPTED)
    kept.add([cut])
    assert kept.load() == [cut]
    kept.add([TRIALS[0]])
    kept.add([cut])  # by another process, which was stopped while it repeated the trial
    assert kept.load() == [TRIALS[0]]


def test_another_study_under_the_same_name_is_refused(store: Open) -> None:
    store().add(TRIALS)
    with pytest.raises(UsageError, match="another seed"):
        store(seed=1)


def test_a_task_is_claimed_by_one_process(store: Open) -> None:
    kept, host = store(), socket.gethostname()
    assert kept.claim(0) and store().claim(0)  # its own, after a search was stopped in a notebook
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    owners = [(f"{host}-{os.getppid()}", False), (f"not-{host}-{child.pid}", False), (f"{host}-{child.pid}", True)]
    for number, (owner, free) in enumerate(owners, start=1):
        assert kept.claim(number)
        with kept._engine.begin() as connection:  # as if another process had claimed it
            connection.execute(sa.text(f"UPDATE trainwell_claims SET owner = '{owner}' WHERE task = '{number}'"))
        assert kept.claim(number) is free, owner
    kept.release(1)
    assert kept.claim(1)


def test_of_processes_that_claim_at_the_same_time_exactly_one_gets_the_task(tmp_path: Path, store: Open) -> None:
    store()
    code = (
        "import sys, pathlib; from trainwell.search.store import TrialStore, sqlite_url\n"
        "kept = TrialStore(sqlite_url(pathlib.Path('study.sqlite')), 's', identity={'seed': 0})\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(*[int(kept.claim(n)) for n in range(20)], flush=True); sys.stdin.readline()\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    with contextlib.ExitStack() as running:
        for child in children:
            running.enter_context(child)
            assert child.stdout and child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("\n")
            child.stdin.flush()
        claims = [list(map(int, child.stdout.readline().split())) for child in children if child.stdout]
        for child in children:
            child.communicate("\n")
    assert [sum(column) for column in zip(*claims, strict=True)] == [1] * 20


def test_notes_are_read_by_all_processes(store: Open) -> None:
    kept = store()
    assert kept.read("test looks") is None
    kept.write("test looks", 1)
    kept.write("test looks", 2)
    assert store().read("test looks") == 2 and store(name="other").read("test looks") is None


def test_processes_that_make_the_tables_together_all_get_them(store: Open) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: store(), range(4)))
    made[0].add(TRIALS)
    assert all(each.load() == TRIALS for each in made)


def test_two_studies_in_one_file_stay_apart(store: Open) -> None:
    one, other = store(name="one"), store(name="other")
    one.add(TRIALS)
    other.add(TRIALS[:1])
    assert one.load() == TRIALS and other.load() == TRIALS[:1]


def test_a_database_of_an_earlier_version_is_used_further(tmp_path: Path, store: Open) -> None:
    import optuna

    optuna.create_study(storage=sqlite_url(tmp_path / "study.sqlite"), study_name="s")
    assert store().load() == []  # the loop takes the trials from study.json


def test_a_damaged_database_is_one_sentence(tmp_path: Path, store: Open) -> None:
    store().add(TRIALS)
    for path in tmp_path.glob("study.sqlite-*"):
        path.unlink()
    (tmp_path / "study.sqlite").write_bytes(b"no database at all, only text" * 100)
    with pytest.raises(DamagedError, match="study.sqlite") as caught:
        store()
    assert "\n" not in str(caught.value)


def test_a_damaged_trial_is_one_sentence(store: Open) -> None:
    kept = store()
    kept.add(TRIALS)
    with kept._engine.begin() as connection:
        connection.execute(sa.text("UPDATE trainwell_trials SET trial = '{' WHERE id = 2"))
    with pytest.raises(DamagedError, match="study.sqlite") as caught:
        kept.load()
    assert "\n" not in str(caught.value)


def test_a_locked_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Open) -> None:
    monkeypatch.setattr("trainwell.search.store._TIMEOUT", 0.1)
    kept = store()
    holder = sqlite3.connect(tmp_path / "study.sqlite")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="another process keeps"):
        store()
    with pytest.raises(StorageError, match="another process keeps") as caught:
        kept.add(TRIALS)
    assert "\n" not in str(caught.value)
    holder.close()
    kept.add(TRIALS)
    assert len(kept.load()) == 3


@pytest.mark.parametrize(
    ("url", "error"), [("sqlite:////absent/folder/x.sqlite", StorageError), ("no address", UsageError)]
)
def test_a_database_that_cannot_be_reached_is_one_sentence(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        TrialStore(url, "s", identity={})
    assert "\n" not in str(caught.value)


def test_many_trials_stay_responsive(store: Open) -> None:
    settings = {"optim.learning_rate": 0.1, "nn.hidden": (8,), "train.batch_size": 8}
    scores = ValidationScores(0.5, {"loss": 1.0, "accuracy": 0.5}, rungs={1: 0.4, 3: 0.5})
    many = [Trial(number, settings, state="done", validation=scores) for number in range(10_000)]
    kept = store()
    started = time.process_time()
    kept.add(many)
    assert time.process_time() - started < 2.0  # a fifth of a millisecond each
    started = time.process_time()
    assert len(store().load()) == 10_000
    assert time.process_time() - started < 2.0


@pytest.mark.skipif("TRAINWELL_TEST_POSTGRES" not in os.environ, reason="TRAINWELL_TEST_POSTGRES names no database")
def test_a_postgresql_database_keeps_a_study_and_another_recipe_is_refused() -> None:
    address, name = os.environ["TRAINWELL_TEST_POSTGRES"], f"test-{os.getpid()}-{time.time_ns()}"
    with TrialStore(address, name, identity={"seed": 0}) as kept:
        kept.add(TRIALS)
        assert kept.claim(0) and kept.claim(0)
        kept.write("test looks", 1)
        kept.write("test looks", 2)
    with TrialStore(address, name, identity={"seed": 0}) as again:
        assert again.load() == TRIALS and again.read("test looks") == 2
    with pytest.raises(UsageError, match="another seed"):
        TrialStore(address, name, identity={"seed": 1})
