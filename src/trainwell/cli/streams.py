"""Standard output and standard error as they were before a script took them over."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import final

from trainwell.core.descriptors import Descriptors, high_duplicate


@final
class _Stream:
    """A duplicate of a standard stream, written only as long as it is one: a script may close any descriptor."""

    def __init__(self, number: int) -> None:
        self._number: int | None = None
        with contextlib.suppress(OSError):  # we were started without it
            self._number = high_duplicate(number)
        self._descriptors = Descriptors({self._number} if self._number is not None else set())

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            while self._number is not None and data and self._descriptors.are_intact():
                data = data[os.write(self._number, data) :]


@final
class Streams:
    """Duplicates of both streams, which a script cannot close, replace or redirect: make them before it starts.

    Writing never raises: a closed pipe must not change how the script ends.
    """

    def __init__(self) -> None:
        self._out = _Stream(1)
        self._err = _Stream(2)
        self._encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self._last = ""
        # What is registered first runs last: after everything the script registers.
        atexit.register(self._print_last)

    def print(self, text: str, *, to_stderr: bool = True) -> None:
        """Print for a person: on standard error, or on standard output."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the script may have put anything there
                stream.flush()
        self._write(text, self._err if to_stderr else self._out)

    def _write(self, text: str, stream: _Stream) -> None:
        stream.write(f"{text}\n".encode(self._encoding, "backslashreplace"))

    def say(self, line: str) -> None:
        """Print one line on standard error, with the program's name; leave the script's own buffers alone."""
        self._write(f"trainwell: {line}", self._err)

    def print_last(self, line: str) -> None:
        """Print a line on standard output when this process ends, after everything the script writes."""
        self._last = f"\n{line}"  # what the script wrote last may lack its end of line

    def _print_last(self) -> None:
        if self._last:
            self.print(self._last, to_stderr=False)
