from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trainwell.core.errors import LockedError, StorageError
from trainwell.runs.lock import Owner, RunLock, is_locked, owner

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12, beside threads


def child(action: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = action()
        finally:
            os._exit(code)
    return pid


def code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def try_lock(folder: Path) -> int:
    try:
        RunLock(folder)
    except LockedError:
        return 1
    return 0


def test_the_lock_says_who_holds_it(tmp_path):
    assert not is_locked(tmp_path) and owner(tmp_path) is None
    with RunLock(tmp_path):
        assert is_locked(tmp_path)
        who = owner(tmp_path)
        assert who is not None and who.pid == os.getpid() and who.host == os.uname().nodename
        with pytest.raises(
            LockedError, match=f"is being written by process {os.getpid()} on .* since 2.*: wait for it"
        ):
            RunLock(tmp_path)
    assert not is_locked(tmp_path)
    RunLock(tmp_path).release()


def test_two_openings_conflict_within_one_process_and_the_loser_does_not_free_the_winner(tmp_path):
    first = RunLock(tmp_path)
    for _ in range(2):
        with pytest.raises(LockedError):
            RunLock(tmp_path)
        assert is_locked(tmp_path)
    first.release()
    first.release()
    assert not is_locked(tmp_path)


def test_readers_neither_take_nor_free_the_lock(tmp_path):
    lock = RunLock(tmp_path)
    text = (tmp_path / "run.lock").read_bytes()
    assert all(is_locked(tmp_path) for _ in range(100))
    assert code(child(lambda: 0 if is_locked(tmp_path) else 1)) == 0
    assert (tmp_path / "run.lock").read_bytes() == text
    assert code(child(lambda: try_lock(tmp_path))) == 1
    lock.release()


def test_a_writer_is_not_turned_away_because_readers_look(tmp_path):
    def look() -> int:
        while True:
            is_locked(tmp_path)

    RunLock(tmp_path).release()
    lookers = [child(look) for _ in range(2)]
    try:
        for _ in range(50):
            RunLock(tmp_path).release()
    finally:
        for pid in lookers:
            os.kill(pid, signal.SIGKILL)
            code(pid)


def test_the_death_of_the_owner_frees_the_lock_though_its_forked_children_live(tmp_path):
    ready, told = os.pipe()

    def hold() -> int:
        lock = RunLock(tmp_path)
        worker = child(lambda: time.sleep(60) or 0)
        os.write(told, str(worker).encode())
        time.sleep(60)
        return int(lock.__class__ is None)

    parent = child(hold)
    worker = int(os.read(ready, 20))
    try:
        assert is_locked(tmp_path)
        os.kill(parent, signal.SIGKILL)
        code(parent)
        os.kill(worker, 0)  # it lives
        RunLock(tmp_path).release()
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_child_that_ends_does_not_free_its_parents_lock(tmp_path):
    lock = RunLock(tmp_path)

    def let_go() -> int:
        lock.release()
        gc.collect()
        return 0

    assert code(child(let_go)) == 0
    assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
    assert is_locked(tmp_path)
    lock.release()


def test_of_many_at_the_same_instant_exactly_one_wins(tmp_path):
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        start, gun = os.pipe()
        end, over = os.pipe()

        def race(folder: Path = folder, start: int = start, end: int = end) -> int:
            os.read(start, 1)
            try:
                lock = RunLock(folder)
            except LockedError as problem:
                return 1 if str(os.getpid()) not in str(problem) else 2
            os.read(end, 1)
            lock.release()
            return 0

        racers = [child(race) for _ in range(3)]
        os.write(gun, b"!!!")
        done = []
        while len(done) < 2:
            pid, status = os.wait()
            done.append((pid, os.waitstatus_to_exitcode(status)))
        assert [status for _, status in done] == [1, 1]
        os.write(over, b"!")
        (winner,) = set(racers) - {pid for pid, _ in done}
        assert code(winner) == 0
        for descriptor in (start, gun, end, over):
            os.close(descriptor)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}', "\xff", "[" * 10_000])
def test_a_lock_file_that_cannot_be_read_names_nobody(tmp_path, text):
    (tmp_path / "run.lock").write_text(text, encoding="latin-1")
    assert owner(tmp_path) is None
    assert not is_locked(tmp_path)
    with RunLock(tmp_path):
        assert owner(tmp_path) is not None


def test_a_longer_old_text_leaves_no_rest(tmp_path):
    (tmp_path / "run.lock").write_text("x" * 5000)
    with RunLock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_the_name_of_a_host_cannot_steer_the_terminal():
    assert "\x1b" not in Owner(1, "\x1b[31mhost", "\x1b").describe()


def test_a_link_is_not_followed_and_an_absent_folder_is_named(tmp_path):
    (tmp_path / "run.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="Locking the run"):
        RunLock(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(StorageError, match="gone"):
        RunLock(tmp_path / "absent")
