"""The lock that allows one writer for each run; the kernel releases it when the process ends."""

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

from trainwell.core.descriptors import Descriptors
from trainwell.core.errors import LockedError
from trainwell.core.files import plain, storage_errors
from trainwell.runs.names import LOCK

_TIMEOUT = 0.25  # seconds; `is_locked` of another process holds the lock for microseconds


@dataclass(frozen=True)
class Owner:
    """The process that last took a lock; it may have ended since.

    Args:
        pid: process id.
        host: name of its machine.
        since: local time at which it took the lock, ISO 8601.
        boot: boot id of the kernel, empty where there is none.
        started: clock ticks from boot to the start of the process; with `boot` it tells whether a pid is reused.
    """

    pid: int
    host: str
    since: str
    boot: str = ""
    started: str = ""

    def describe(self) -> str:
        """Return the process as part of a sentence."""
        return f"process {self.pid} on {plain(self.host)} since {plain(self.since)}"


class RunLock:
    """The lock of one run, held from construction until `release` or the end of the process.

    It is an flock on an open file of its own, so two of them conflict even within one process. Children made by fork
    release it at once, so that a data worker that outlives its parent does not keep the lock.

    Args:
        folder: the run.
    Raises:
        LockedError: this or another process is writing the run.
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
        self._file = Descriptors({self._descriptor})
        _held.add(self)

    def _take(self, folder: Path) -> None:
        assert self._descriptor is not None
        deadline = time.monotonic() + _TIMEOUT
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
                        "wait for it, stop it, or choose another run."
                    ) from None
                time.sleep(0.01)
        data = json.dumps(asdict(_myself())).encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def release(self) -> None:
        """Release the lock; may be called more than once."""
        _held.discard(self)
        self._close()

    def _close(self) -> None:
        # Close instead of LOCK_UN: in a forked child the latter would release the lock of the parent.
        if self._descriptor is not None:
            self._file.close()
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
    """Return the process that last took the lock of a run, or None if that cannot be read."""
    try:
        data = json.loads((folder / LOCK).read_bytes()[:10_000])
        return Owner(int(data["pid"]), *(str(data[name]) for name in ("host", "since", "boot", "started")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_locked(folder: Path) -> bool:
    """Tell whether a process is writing the run."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False


def _myself() -> Owner:
    boot = started = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Field 22 of proc_pid_stat(5), counted after the name, which may contain spaces and brackets.
        started = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return Owner(os.getpid(), platform.node(), now, boot, started)
