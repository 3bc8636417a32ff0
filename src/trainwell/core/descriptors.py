"""File descriptors that a program sharing this process may close behind our back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

_RESERVED = 64  # descriptors below the limit of the process in which ours lie
_HIGHEST = 1000  # so that few descriptors must be reserved where the limit is high


@final
class Descriptors:
    """Descriptors by the file each refers to.

    A program may close any descriptor, as daemons do, and open a file of its own under the same number: whoever then
    writes to that number writes into the program's file.

    Args:
        numbers: open descriptors.
    """

    def __init__(self, numbers: set[int]) -> None:
        self._files = {number: _file(number) for number in numbers}

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> Descriptors:
        """Return the open descriptors of this process that refer to these files."""
        files = set()
        for path in paths:
            with contextlib.suppress(OSError):
                status = path.stat()
                files.add((status.st_dev, status.st_ino))
        return cls({number for number in open_descriptors() if _file(number) in files})

    def are_intact(self) -> bool:
        """Return whether every descriptor still refers to its file."""
        return all(_file(number) == file for number, file in self._files.items())

    def close(self) -> None:
        """Close those that still refer to their file."""
        for number, file in self._files.items():
            if file is not None and _file(number) == file:
                with contextlib.suppress(OSError):
                    os.close(number)
        self._files = {}


def _file(number: int) -> tuple[int, int] | None:
    """Return device and inode of what a descriptor refers to; None if it is closed."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def high_duplicate(number: int) -> int:
    """Return a duplicate of a descriptor, not inherited, with a number that programs do not expect to be theirs.

    Raises:
        OSError: it is closed, or there is no room.
    """
    for lowest in (_lowest(), 3):
        with contextlib.suppress(OSError):
            return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, lowest)
    return os.dup(number)


@contextlib.contextmanager
def opened_high() -> Iterator[None]:
    """Give what is opened in the `with` block high numbers, so that a program finds the low ones free."""
    reserved = _reserve(_lowest())
    try:
        yield
    finally:
        for number in reserved:
            os.close(number)


def open_descriptors() -> set[int]:
    """Return the numbers of all open descriptors of this process."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return {number for name in os.listdir(folder) if _file(number := int(name)) is not None}
    return set()


def _lowest() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _HIGHEST if soft == resource.RLIM_INFINITY else min(soft, _HIGHEST)
    return max(3, limit - _RESERVED)


def _reserve(lowest: int) -> list[int]:
    """Open every free descriptor below a number."""
    reserved: list[int] = []
    with contextlib.suppress(OSError):
        reserved.append(os.open(os.devnull, os.O_RDONLY))
        while reserved[-1] < lowest - 1:
            reserved.append(os.dup(reserved[0]))
    return reserved
