"""One writer for each run: a lock the kernel frees when its owner dies, with the owner's name beside it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import time
import weakref
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from trainwell.core.errors import LockedError
from trainwell.core.files import plain, storage_errors
from trainwell.runs.names import LOCK

_PATIENCE = 0.25  # seconds; a reader that looks whether the run is locked holds the lock for microseconds


@dataclass(frozen=True)
class Owner:
    """Who wrote its name into a lock file; it may be gone since.

    Args:
        pid: number of the process.
        host: name of its machine.
        since: local time at which it took the lock, ISO 8601.
        boot: the kernel's identity of the boot, empty where there is none.
        started: clock ticks from boot to the start of the process: with `boot`, tells a reused number.
    """

    pid: int
    host: str
    since: str
    boot: str = ""
    started: str = ""

    def describe(self) -> str:
        """Say who it is, as part of a sentence."""
        return f"process {self.pid} on {plain(self.host)} since {plain(self.since)}"


class RunLock:
    """The right to write one run, held from construction to `release` or the death of this process.

    It is an flock on its own open file, so two of them conflict even within one process; children made by
    fork let go of it at once, so that a data worker never outlives its killed parent with the lock.

    Args:
        folder: the run.
    Raises:
        LockedError: another process, or this one, is writing the run.
        StorageError: the lock file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        with storage_errors(f"Locking the run {folder}", folder):
            self._descriptor: int | None = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                self._take(folder)
            except BaseException:
                os.close(self._descriptor)
                raise
        _held.add(self)

    def _take(self, folder: Path) -> None:
        assert self._descriptor is not None
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    who = owner(folder)
                    raise LockedError(
                        f"The run {plain(str(folder))} is being written by "
                        f"{who.describe() if who else 'another process'}: "
                        "wait until it ends, stop it, or choose another run."
                    ) from None
                time.sleep(0.01)
        data = json.dumps(asdict(_myself())).encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def release(self) -> None:
        """Let go; more than once does no harm."""
        _held.discard(self)
        self._close()

    def _close(self) -> None:
        # Closing, not LOCK_UN: in a forked child the latter would unlock the parent.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _forget_in_child() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_forget_in_child)


def owner(folder: Path) -> Owner | None:
    """Return who last took the lock of a run, or None if that cannot be read."""
    try:
        data = json.loads((folder / LOCK).read_bytes()[:10_000])
        return Owner(int(data["pid"]), *(str(data[name]) for name in ("host", "since", "boot", "started")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_locked(folder: Path) -> bool:
    """Tell whether somebody is writing a run, without keeping anybody from it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: nobody can hold one
        return False
    finally:
        os.close(descriptor)
    return False


def _myself() -> Owner:
    boot = started = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Field 22 of proc_pid_stat(5), counted behind the name, which may hold spaces and brackets.
        started = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return Owner(os.getpid(), platform.node(), now, boot, started)
