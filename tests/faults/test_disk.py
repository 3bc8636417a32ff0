"""Disks that are full, read-only or broken: old checkpoints stay, the sentence says what to do."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from trainwell.core.errors import StorageError
from trainwell.runs import Run, RunWriter, list_runs
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint

STORAGE = StorageError.exit_code


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """OpenMP's threads do not survive a fork."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def save(folder: Path, *steps: int, size: int = 100) -> Path:
    for step in steps:
        weights = {"weight": torch.full((size,), float(step)), "bias": torch.zeros(3)}
        save_checkpoint(folder, {"model": weights, "state": {"step": step}}, step=step)
    return folder


def assert_newest(folder: Path, step: int) -> None:
    found = load_checkpoint(folder)
    assert found.step == step and found.skipped == ()
    assert torch.equal(found.parts["model"]["weight"], torch.full_like(found.parts["model"]["weight"], step))


# Faults injected into every call --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error"),
    [("fsync", "EIO"), ("write", "ENOSPC"), ("openat", "EMFILE"), ("mkdir", "EROFS"), ("rename", "EIO")],
)
def test_a_failed_call_never_commits_and_never_costs_an_old_checkpoint(strace, fast_path, call, error):
    base, work = save(fast_path / "base", 1, 2), fast_path / "work"
    shutil.copytree(base, work)
    count = len(re.findall(rf"^\d+ +{call}\(", strace.run(lambda: save(work, 3)).log, re.MULTILINE))
    assert count
    for number in range(1, count + 1):
        shutil.rmtree(work)
        shutil.copytree(base, work)
        outcome = strace.run(lambda: save(work, 3), inject=f"{call}:error={error}:when={number}")
        where = f"{call} number {number}"
        assert "(INJECTED)" in outcome.log, where
        committed = (work / "step-000003").exists()
        assert outcome.code == (0 if committed else STORAGE), where
        assert_newest(work, 3 if committed else 2)
        if call in ("fsync", "write"):  # what fails later is only the deletion of an old one
            assert not committed, where
            assert sorted(os.listdir(work)) == ["step-000001", "step-000002"], where
        save(work, 3)
        assert_newest(work, 3)


def test_a_run_is_made_whole_or_not_at_all_whatever_write_fails(strace, fast_path):
    work = fast_path / "work"

    def create() -> None:
        RunWriter.create(work, "a", recipe_text="seed = 1\n").finish("ok")

    create()
    shutil.rmtree(work)
    points = [number for call, number in strace.points(create) if call == "pwrite64"]
    assert points
    for number in points:
        shutil.rmtree(work)
        outcome = strace.run(create, inject=f"pwrite64:error=ENOSPC:when={number}")
        assert outcome.code in (0, STORAGE), outcome.code
        for run in list_runs(work):
            assert run.status in ("ok", "killed"), run
            assert Run.open(run.path).recipe_text == "seed = 1\n"
        assert [name for name in os.listdir(work) if name.startswith(".")] == []


# Real disks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mounted(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small file system of its own, with the mount options of the parameter."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("mounted", ["size=2m"], indirect=True)
def test_a_full_disk_stops_with_one_sentence_and_goes_on_when_there_is_room(mounted):
    folder = save(mounted / "run", 1, size=100_000)
    (mounted / "ballast").write_bytes(bytes(1_000_000))
    with pytest.raises(
        StorageError, match=r"Saving the checkpoint .*step-000002 failed: the disk of .* is full \(.* MB"
    ):
        save(folder, 2, size=200_000)
    assert os.listdir(folder) == ["step-000001"]
    assert_newest(folder, 1)
    (mounted / "ballast").unlink()
    save(folder, 2, size=200_000)
    assert_newest(folder, 2)


@pytest.mark.parametrize("mounted", ["size=4m,nr_inodes=16"], indirect=True)
def test_a_disk_without_inodes_says_so(mounted):
    folder = save(mounted / "run", 1)
    with pytest.raises(StorageError, match="no room for another file"):
        for number in range(16):
            (mounted / f"{number}").touch() if number < 4 else save(folder, number)
    assert_newest(folder, load_checkpoint(folder).step)


@pytest.mark.parametrize("mounted", ["size=4m"], indirect=True)
def test_a_disk_that_became_read_only_can_still_be_read(mounted):
    with RunWriter.create(mounted / "runs", "a", recipe_text="") as writer:
        save(writer.checkpoints, 1)
        writer.signal("loss/train", 0, value=1.0)
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with pytest.raises(StorageError, match="read-only"):
        save(writer.checkpoints, 2)
    with pytest.raises(StorageError, match="read-only"):
        RunWriter.reopen(writer.path)
    assert_newest(writer.checkpoints, 1)
    assert Run.open(writer.path).status == "ok"
    assert Run.open(writer.path).signals()["loss/train"].values == [1.0]
    assert [run.status for run in list_runs(mounted / "runs")] == ["ok"]


@pytest.mark.parametrize("mounted", ["size=3m"], indirect=True)
def test_numbers_that_found_no_room_are_kept_until_there_is(mounted):
    writer = RunWriter.create(mounted / "runs", "a", recipe_text="")
    (mounted / "ballast").write_bytes(bytes(2_700_000))
    for step in range(50_000):
        writer.signal("loss/train", step, value=0.1)
    with pytest.raises(StorageError, match="is full"):
        writer.flush()
    (mounted / "ballast").unlink()
    writer.signal("loss/train", 50_000, value=0.1)
    for _ in range(2):
        writer.flush()
    writer.finish("ok")
    assert len(Run.open(writer.path).signals()["loss/train"]) == 50_001


@pytest.mark.parametrize("mounted", ["size=3m"], indirect=True)
def test_a_run_that_finds_no_room_to_end_lets_go_of_its_lock(mounted):
    with pytest.raises(StorageError, match="is full"):
        with RunWriter.create(mounted / "runs", "a", recipe_text="") as writer:
            (mounted / "ballast").write_bytes(bytes(2_900_000))
            for step in range(50_000):
                writer.signal("loss/train", step, value=0.1)
    (mounted / "ballast").unlink()
    assert Run.open(writer.path).status == "killed"
    RunWriter.reopen(writer.path).finish("ok")
    assert Run.open(writer.path).status == "ok"


def test_a_limit_on_file_sizes_is_named(tmp_path):
    folder = save(tmp_path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="ulimit -f"):
            save(folder, 2, size=100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(folder) == ["step-000001"]
    assert_newest(folder, 1)


def test_a_folder_of_somebody_else_is_named(tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = save(tmp_path / "a", 1)
    os.chmod(tmp_path, 0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(StorageError, match="permission is denied"):
            save(folder, 2)
    finally:
        os.seteuid(0)
    assert_newest(folder, 1)
