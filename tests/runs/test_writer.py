from __future__ import annotations

import os
import shutil
import threading

import pytest

from trainwell.core.contracts.protocols import Recorder
from trainwell.core.errors import Interrupted, LockedError, StorageError, UsageError
from trainwell.runs import Run, RunWriter, is_locked
from trainwell.runs.lock import RunLock
from trainwell.runs.writer import check_name


def test_a_new_run_has_its_files_and_no_others(tmp_path):
    writer = RunWriter.create(tmp_path / "deep" / "runs", "my run", recipe_text="seed = 1\n")
    assert is_locked(writer.path)
    writer.finish("ok")
    assert not is_locked(writer.path)
    assert os.listdir(tmp_path / "deep" / "runs") == ["my run"]
    assert sorted(os.listdir(writer.path)) == [
        "checkpoints",
        "environment.json",
        "recipe.toml",
        "run.lock",
        "run.sqlite",
    ]
    assert (writer.path / "recipe.toml").read_text() == "seed = 1\n"
    assert writer.checkpoints == writer.path / "checkpoints"


@pytest.mark.parametrize(
    ("recipe", "start"),
    [
        ('[data]\nsource = "digits"', "digits-2"),
        ('[data]\nsource = "../my data/Iris (1).csv"', "Iris-1-2"),
        ('[data]\nsource = "/"', "run-2"),
        ('[data]\nsource = "\\u001b[31m"', "31m-2"),
        ("data = 3", "run-2"),
        ("not toml at all", "run-2"),
    ],
)
def test_the_default_name_is_made_of_the_data_and_the_time(tmp_path, recipe, start):
    names = []
    for _ in range(3):
        writer = RunWriter.create(tmp_path, recipe_text=recipe)
        writer.finish("ok")
        names.append(writer.path.name)
    assert all(name.startswith(start) for name in names)
    assert len(set(names)) == 3 and sorted(os.listdir(tmp_path)) == sorted(names)


@pytest.mark.parametrize("name", ["a", "run 1", "été_2", "a.b", "lr=0.1", "x" * 100])
def test_names_of_every_day_are_fine(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "/etc",
        "..\\x",
        "-rf",
        ".hidden",
        " a",
        "a ",
        "a\n",
        "a\x1b[31m",
        "a\x00",
        "x" * 101,
        "猫" * 90,
        "a:b",
        "a*",
    ],
)
def test_hostile_names_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="The name of a run must be") as caught:
        RunWriter.create(tmp_path / "runs", name, recipe_text="")
    assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_name_that_is_taken_is_refused_and_the_run_untouched(tmp_path):
    with RunWriter.create(tmp_path, "a", recipe_text="seed = 1\n"):
        with pytest.raises(LockedError, match=f"process {os.getpid()}"):
            RunWriter.create(tmp_path, "a", recipe_text="seed = 2\n")
    with pytest.raises(UsageError, match="There already is a run at"):
        RunWriter.create(tmp_path, "a", recipe_text="seed = 2\n")
    assert Run.open(tmp_path / "a").recipe_text == "seed = 1\n"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling"])
def test_what_is_not_ours_is_never_written_into(tmp_path, kind):
    runs, other = tmp_path / "runs", tmp_path / "other"
    runs.mkdir()
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    place = runs / "a"
    if kind == "folder":
        other.rename(place)
    elif kind == "file":
        place.write_text("years of work")
    else:
        place.symlink_to(other if kind == "link" else tmp_path / "absent")
    with pytest.raises(UsageError, match="exists and is not a run"):
        RunWriter.create(runs, "a", recipe_text="")
    assert os.listdir(runs) == ["a"]
    texts = [path.read_text() for path in (place, place / "thesis.tex") if path.is_file()]
    assert texts == ([] if kind == "dangling" else ["years of work"])


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    RunWriter.create(tmp_path, "a", recipe_text="").finish("ok")
    assert Run.open(tmp_path / "a").status == "ok"


def test_a_creation_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        RunWriter.create(tmp_path, "a", recipe_text="\ud800")
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Making the run"):
        RunWriter.create(tmp_path / "file", "a", recipe_text="")


def test_of_many_that_make_the_same_run_exactly_one_wins(tmp_path):
    barrier = threading.Barrier(4)
    results: list[object] = []

    def race() -> None:
        barrier.wait()
        try:
            writer = RunWriter.create(tmp_path, "a", recipe_text="")
        except (LockedError, UsageError) as problem:
            results.append(problem)
            barrier.wait()
        else:
            results.append(writer.path)
            barrier.wait()
            writer.finish("ok")

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(result).__name__ for result in results)[:3] == ["LockedError"] * 3
    assert tmp_path / "a" in results
    assert os.listdir(tmp_path) == ["a"]


# Reopening ------------------------------------------------------------------------------------------------------------


def test_a_run_goes_on_where_it_was(tmp_path):
    with RunWriter.create(tmp_path, "a", recipe_text="") as writer:
        writer.set_meta("seconds", 0)
        for step in range(10):
            writer.signal("loss/train", step, value=1.0)
    created = Run.open(writer.path).created
    (writer.path / ".tmp-x-report.html").touch()
    (writer.checkpoints / ".tmp-000001-ab").mkdir()
    with RunWriter.reopen(writer.path) as writer:
        assert Run.open(writer.path).status == "running"
        assert os.listdir(writer.checkpoints) == []
        writer.rewind(4)
        writer.signal("loss/train", 5, value=2.0)
    run = Run.open(writer.path)
    assert run.signals()["loss/train"].values == [1.0] * 5 + [2.0]
    assert run.status == "ok" and run.created == created and run.meta["generation"] == 1
    assert not (writer.path / ".tmp-x-report.html").exists()


def test_time_adds_up_over_resumes(tmp_path):
    writer = RunWriter.create(tmp_path, "a", recipe_text="")
    writer._seconds_before = 100.0
    writer.finish("interrupted")
    RunWriter.reopen(writer.path).finish("ok")
    assert 100 <= Run.open(writer.path).seconds < 160


def test_only_one_may_reopen(tmp_path):
    with RunWriter.create(tmp_path, "a", recipe_text="") as writer:
        leftover = writer.path / ".tmp-x"
        leftover.touch()
        with pytest.raises(LockedError, match="is being written by process"):
            RunWriter.reopen(writer.path)
        assert leftover.exists()  # it may be what the owner is writing
    with pytest.raises(StorageError, match="There is no run"):
        RunWriter.reopen(tmp_path)
    assert not (tmp_path / "run.lock").exists()


def test_a_damaged_store_is_named_and_the_lock_given_back(tmp_path):
    RunWriter.create(tmp_path, "a", recipe_text="").finish("ok")
    (tmp_path / "a" / "run.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(StorageError, match="run.sqlite"):
        RunWriter.reopen(tmp_path / "a")
    RunLock(tmp_path / "a").release()


# Ending ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "ok", ""),
        (ValueError("It broke."), "failed", "It broke."),
        (ValueError(), "failed", "ValueError"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
        (Interrupted(15, "Stopped at step 3."), "interrupted", "Stopped at step 3."),
    ],
)
def test_leaving_the_block_ends_the_run(tmp_path, error, status, reason):
    try:
        with RunWriter.create(tmp_path, "a", recipe_text="") as writer:
            writer.signal("loss/train", 0, value=1.0)
            if error:
                raise error
    except BaseException as caught:
        assert caught is error
    run = Run.open(tmp_path / "a")
    assert (run.status, run.reason) == (status, reason)
    assert len(run.signals()["loss/train"]) == 1
    assert not is_locked(run.path)


def test_a_run_ends_once(tmp_path):
    with RunWriter.create(tmp_path, "a", recipe_text="") as writer:
        with pytest.raises(UsageError, match="status must be one of"):
            writer.finish("great")
        writer.finish("failed", "The loss became NaN.")
        writer.finish("ok")
    assert Run.open(tmp_path / "a").reason == "The loss became NaN."


def test_it_is_a_recorder_and_flushes_at_most_once_a_second(tmp_path):
    writer = RunWriter.create(tmp_path, "a", recipe_text="")
    recorder: Recorder = writer
    for step in range(1000):
        recorder.signal("loss/train", step, value=1.0)
        recorder.flush_if_due()
    assert len(Run.open(writer.path).signals()["loss/train"]) == 0
    writer._store.due = 0.0
    recorder.flush_if_due()
    assert len(Run.open(writer.path).signals()["loss/train"]) == 1000
    writer.finish("ok")


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_run_that_is_taken_away_while_it_is_written_is_noticed(tmp_path, how):
    writer = RunWriter.create(tmp_path, "a", recipe_text="")
    if how == "deleted":
        shutil.rmtree(writer.path)
    else:
        writer.path.rename(tmp_path / "b")
    writer.signal("loss/train", 0, value=1.0)
    with pytest.raises(StorageError, match="run.sqlite is gone: the run was moved or deleted"):
        writer.flush()
    with pytest.raises(StorageError, match="is gone"):
        writer.finish("ok")
    assert not (tmp_path / "a").exists()
    assert how == "deleted" or Run.open(tmp_path / "b").status == "killed"
