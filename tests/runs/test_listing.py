from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from trainwell.core.facts import Facts
from trainwell.runs import RunSummary, RunWriter, list_runs
from trainwell.runs.listing import MainScore


def make(folder: Path, name: str, accuracy: float | None = None) -> Path:
    with RunWriter.create(folder, name, recipe_text="") as writer:
        writer.describe(task="classify", main_score="accuracy", model="mlp", facts=Facts())
        if accuracy is not None:
            for epoch in (1, 2):
                writer.score(
                    epoch, epoch * 10, split="validation", scores={"accuracy": accuracy * epoch / 2, "loss": 9.0}
                )
    return writer.path


def test_runs_are_listed_with_what_matters(tmp_path):
    make(tmp_path, "a", 0.5)
    (run,) = list_runs(str(tmp_path))
    assert (run.name, run.status, run.task, run.model) == ("a", "ok", "classify", "mlp")
    assert (run.score.name, run.score.value) == ("accuracy", 0.5)
    assert run.time.seconds >= 0 and run.time.created and run.path == tmp_path / "a"


def test_damaged_runs_are_listed_with_their_reason_and_other_things_are_not(tmp_path):
    make(tmp_path, "good")
    for name in ("broken", "link", "folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "run.sqlite").write_bytes(b"x" * 5000)
    (tmp_path / "link" / "run.sqlite").symlink_to("/etc/passwd")
    (tmp_path / "folder" / "run.sqlite").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    shutil.copytree(tmp_path / "good", tmp_path / ".tmp-half")
    runs = {run.name: run for run in list_runs(tmp_path)}
    assert {name: run.status for name, run in runs.items()} == {
        "good": "ok",
        "broken": "damaged",
        "link": "damaged",
        "folder": "damaged",
    }
    assert "run.sqlite" in runs["broken"].reason and "not a link" in runs["link"].reason and runs["folder"].reason


@pytest.mark.parametrize("folder", ["absent", "file"])
def test_no_folder_is_no_runs(tmp_path, folder):
    (tmp_path / "file").touch()
    assert list_runs(tmp_path / folder) == []


def test_the_newest_come_first_and_the_best_if_wanted(tmp_path):
    runs = [
        RunSummary(Path(name), "ok", score=MainScore("accuracy", score))
        for name, score in [("a", 0.5), ("nan", float("nan")), ("b", 0.9), ("none", None), ("c", -1.0)]
    ]
    ranked = [run.name for run in sorted(runs, key=lambda run: run.rank)]
    assert ranked[:3] == ["b", "a", "c"] and set(ranked[3:]) == {"nan", "none"}
    for name in ("x", "y"):
        make(tmp_path, name)
    assert [run.name for run in list_runs(tmp_path)] == ["y", "x"]


def test_a_run_that_was_killed_is_told_from_one_that_runs(tmp_path):
    make(tmp_path, "a")
    writer = RunWriter.reopen(tmp_path / "a")
    assert list_runs(tmp_path)[0].status == "running"
    writer._lock.release()
    assert list_runs(tmp_path)[0].status == "killed"
    writer._store.close()


def test_a_thousand_runs_are_listed_at_once(tmp_path):
    first = make(tmp_path, "a", 0.5)
    for number in range(999):
        shutil.copytree(first, tmp_path / str(number), copy_function=os.link)
    best = min(timed(tmp_path) for _ in range(3))
    assert best < 10.0  # 0.16 s on a quiet machine


def timed(folder: Path) -> float:
    start = time.perf_counter()
    assert len(list_runs(folder)) == 1000
    return time.perf_counter() - start
