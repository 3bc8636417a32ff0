"""`kill -9` before every file system call of a save, of a recovery and of the making of a run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from trainwell.core.files import atomic_write, tidy
from trainwell.runs import Run, RunWriter, list_runs
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """OpenMP's threads do not survive a fork."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def state(step: int) -> dict[str, dict[str, object]]:
    weights = torch.full((40, 20), float(step))
    return {
        "model": {"fc.weight": weights, "fc.bias": torch.arange(50) * step},
        "optim": {"state": {0: {"step": torch.tensor(float(step)), "exp_avg": weights / 3}}, "groups": [{"lr": 0.1}]},
        "state": {"step": step, "epoch": 0, "best": float("-inf")},
    }


def save(folder: Path, *steps: int, keep: tuple[int, ...] = ()) -> Path:
    for step in steps:
        save_checkpoint(folder, state(step), step=step, keep=keep)
    return folder


def assert_holds(folder: Path, *allowed: int) -> int:
    found = load_checkpoint(folder)
    assert found.step in allowed
    assert repr(found.parts) == repr(state(found.step))
    return found.step


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def copying(base: Path, work: Path) -> Callable[[], None]:
    def restore() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(base, work)

    return restore


def test_a_killed_save_leaves_the_old_or_the_new_step(strace, fast_path):
    base, work = save(fast_path / "base", 1, 2), fast_path / "work"
    seen = set()
    for where in strace.kills(lambda: save(work, 3), copying(base, work)):
        seen.add(assert_holds(work, 2, 3))
        assert load_checkpoint(work).skipped == (), where
        tidy(work)
        save(work, 3)
        assert assert_holds(work, 3) == 3
        assert names(work) == ["step-000002", "step-000003"], where
    assert seen == {2, 3}


def test_a_killed_retention_never_deletes_the_best(strace, fast_path):
    base, work = save(fast_path / "base", 1, 2, 3, keep=(1,)), fast_path / "work"
    for where in strace.kills(lambda: save(work, 4, keep=(1,)), copying(base, work)):
        assert_holds(work, 3, 4)
        assert load_checkpoint(work, 1).step == 1, where
        tidy(work)
        save(work, 4, keep=(1,))
        assert names(work) == ["step-000001", "step-000003", "step-000004"], where


def test_a_killed_replacement_of_a_damaged_step_can_be_taken_up(strace, fast_path):
    base, work = save(fast_path / "base", 1, 2, 3), fast_path / "work"
    (base / "step-000003" / "model.json").write_bytes(b"{}")
    for _ in strace.kills(lambda: save(work, 3), copying(base, work)):
        assert_holds(work, 2, 3)
        tidy(work)
        save(work, 3)
        assert_holds(work, 3)


def test_a_killed_recovery_can_be_repeated(strace, fast_path):
    base, work = save(fast_path / "base", 1, 2), fast_path / "work"
    shutil.copytree(base / "step-000001", base / ".trash-1")
    shutil.copytree(base / "step-000001", base / ".tmp-000003-1")
    (base / ".tmp-report.html").write_text("half")
    for where in strace.kills(lambda: tidy(work), copying(base, work)):
        assert_holds(work, 2)
        assert tidy(work) == ()
        assert names(work) == ["step-000001", "step-000002"], where


def test_a_killed_atomic_write_leaves_the_old_or_the_new_text(strace, fast_path):
    base, work = fast_path / "base", fast_path / "work"
    base.mkdir()
    atomic_write(base / "best", "old")
    for where in strace.kills(lambda: atomic_write(work / "best", "new"), copying(base, work)):
        assert (work / "best").read_text() in ("old", "new"), where


def test_a_killed_creation_leaves_a_whole_run_or_none(strace, fast_path):
    base, work = fast_path / "base", fast_path / "work"
    base.mkdir()

    def create() -> None:
        RunWriter.create(work, "a", recipe_text="seed = 1\n").finish("ok")

    found = set()
    for where in strace.kills(create, copying(base, work)):
        runs = list_runs(work)
        found.add(len(runs))
        for run in runs:
            assert run.status in ("ok", "killed"), where
            assert Run.open(run.path).recipe_text == "seed = 1\n", where
            RunWriter.reopen(run.path).finish("ok")
        with RunWriter.create(work, "a" if not runs else "b", recipe_text="seed = 2\n") as writer:
            writer.signal("loss/train", 0, value=1.0)
        assert list_runs(work)[0].status == "ok", where
    assert found == {0, 1}


def test_a_killed_writer_loses_nothing_it_had_flushed(strace, fast_path):
    base, work = fast_path / "base", fast_path / "work"
    with RunWriter.create(base, "a", recipe_text="") as writer:
        for step in range(10):
            writer.signal("loss/train", step, value=step / 3)

    def go_on() -> None:
        writer = RunWriter.reopen(work / "a")
        writer.rewind(7)
        for step in range(8, 12):
            writer.signal("loss/train", step, value=step / 3)
        writer.finish("ok")

    for where in strace.kills(go_on, copying(base, work)):
        run = Run.open(work / "a")
        assert run.status in ("ok", "killed"), where
        steps = run.signals()["loss/train"].steps
        assert steps in (list(range(10)), list(range(8)), list(range(12))), where
        go_on()
        run = Run.open(work / "a")
        assert run.status == "ok", where
        assert list(run.signals()["loss/train"]) == [(step, step / 3) for step in range(12)], where


def test_everything_is_on_the_disk_before_the_rename_that_commits_it(strace, fast_path):
    """Power may fail: what was not fsynced before the rename may be gone after it, and old steps must outlive it."""
    work = save(fast_path / "work", 1, 2)
    log = strace.run(lambda: save(work, 3)).log
    lines = log.splitlines()
    (commit,) = [number for number, line in enumerate(lines) if re.search(r'rename.*/\.tmp-000003.*step-000003"', line)]
    before = "\n".join(lines[:commit])
    for name in names(work / "step-000003"):
        assert re.search(rf"fsync\(\d+<[^>]*/{re.escape(name)}>", before), f"{name} was not fsynced"
    assert re.search(r"fsync\(\d+<[^>]*/\.tmp-000003-[0-9a-f]+>", lines[commit - 1] + before), (
        "its folder was not fsynced"
    )
    deletions = [number for number, line in enumerate(lines) if "step-000001" in line and "rename" in line]
    assert deletions
    between = "\n".join(lines[commit + 1 : deletions[0]])
    assert re.search(rf"fsync\(\d+<{re.escape(str(work))}>", between), "the rename was not fsynced before a deletion"
