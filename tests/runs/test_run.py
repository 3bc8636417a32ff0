from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path

import pytest

from trainwell.core.errors import DamagedError, RecipeError, StorageError
from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.runs import Run, RunWriter

FACTS = Facts(task="classify", labels=("a", "b"), class_counts=(3, 4), sizes={"train": 7}, chance_loss=0.69)
FINDING = Finding("overfits", Severity.WARNING, "It overfits.", evidence={"gap": math.nan}, where=("fc1",), step=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with RunWriter.create(tmp_path, "first", recipe_text="seed = 3\n") as writer:
        writer.describe(task="classify", main_score="accuracy", model="mlp", facts=FACTS)
        for step in range(10):
            writer.signal("loss/train", step, value=1 / (step + 1))
        writer.score(1, 5, split="validation", scores={"accuracy": 0.5, "loss": math.nan})
        writer.score(2, 10, split="validation", scores={"accuracy": 0.75})
        writer.score(2, 10, split="test", scores={"accuracy": 0.7})
        writer.event("best", {"step": 10})
        writer.finding(FINDING)
        writer.progress(10)
    return writer.path


def test_a_run_shows_what_was_recorded(path):
    run = Run.open(path)
    assert (run.name, run.status, run.reason, run.task, run.steps) == ("first", "ok", "", "classify", 10)
    assert run.facts == FACTS
    assert run.scores["test"] == {"accuracy": 0.7}
    assert run.scores["validation"]["accuracy"] == 0.75 and math.isnan(run.scores["validation"]["loss"])
    assert repr(run.findings) == repr((FINDING,))
    assert run.signals()["loss/train"].steps == list(range(10))
    assert [event.kind for event in run.events()] == ["best"]
    assert run.recipe_text == "seed = 3\n" and run.recipe.seed == 3
    assert run.checkpoints == path / "checkpoints"
    assert run.environment["packages"]["torch"]
    assert run.meta["model"] == "mlp"
    assert 0 <= run.seconds < 60 and run.created.startswith("2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.status = "failed"  # type: ignore[misc]


def test_as_json_it_is_strict_json(path):
    data = Run.open(str(path)).to_json()
    assert list(data) == ["run", "status", "task", "scores", "findings", "seconds", "steps"]
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["scores"]["validation"] == {"accuracy": 0.75, "loss": None}
    assert data["findings"][0]["evidence"] == {"gap": None}
    assert data["run"] == str(path)


def test_its_name_does_not_depend_on_how_the_path_is_written(path, monkeypatch):
    monkeypatch.chdir(path)
    assert Run.open(".").name == "first"
    assert Run.open(f"{path}/").name == "first"


def test_opening_a_run_changes_nothing(path):
    before = {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in path.iterdir()}
    Run.open(path).signals()
    assert {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in path.iterdir()} == before


def test_a_run_that_says_it_runs_while_nobody_holds_it_was_killed(path):
    writer = RunWriter.reopen(path)
    assert Run.open(path).status == "running"
    writer.flush()
    writer._lock.release()  # what the kernel does when the process dies
    assert Run.open(path).status == "killed"
    writer._store.close()
    RunWriter.reopen(path).finish("interrupted", "Ctrl-C.")
    run = Run.open(path)
    assert (run.status, run.reason) == ("interrupted", "Ctrl-C.")


@pytest.mark.parametrize("name", ["absent", "empty", "file"])
def test_what_is_no_run_is_said(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="There is no run at"):
        Run.open(tmp_path / name)


def test_a_damaged_run_is_said(path):
    (path / "run.sqlite").write_bytes(b"x" * 10_000)
    with pytest.raises(DamagedError, match="run.sqlite"):
        Run.open(path)


def test_meta_of_the_wrong_types_ends_in_a_sentence(path):
    writer = RunWriter.reopen(path)
    writer.set_meta("steps", "many")
    writer.finish("ok")
    with pytest.raises(DamagedError, match="must be the record of a run"):
        Run.open(path)


def test_files_that_were_damaged_by_hand_are_no_trouble(path):
    (path / "environment.json").write_text("[1")
    (path / "recipe.toml").write_bytes(b"\xff\xfe = 1")
    run = Run.open(path)
    assert run.environment == {}
    assert "= 1" in run.recipe_text
    with pytest.raises(RecipeError):
        _ = run.recipe
    (path / "recipe.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(StorageError, match="at most"):
        _ = run.recipe_text
    os.unlink(path / "recipe.toml")
    with pytest.raises(StorageError, match="gone"):
        _ = run.recipe_text


def test_facts_of_a_later_version_are_read_as_far_as_they_are_known(path):
    writer = RunWriter.reopen(path)
    writer.set_meta("facts", {"task": "rank", "unheard_of": 1})
    writer.finish("ok")
    assert Run.open(path).facts == Facts(task="rank")
