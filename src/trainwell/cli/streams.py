"""Standard output and standard error as they were before a script took them over."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import final


@final
class Streams:
    """Duplicates of both streams, which a script cannot close, replace or redirect: make them before it starts.

    Writing never raises: a closed pipe must not change how the script ends.
    """

    def __init__(self) -> None:
        self._out, self._err = _duplicate(1), _duplicate(2)
        self._encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self._last = ""
        # What is registered first runs last: after everything the script registers.
        atexit.register(self._print_last)

    def print(self, text: str, *, to_stderr: bool = True) -> None:
        """Print for a person: on standard error, or on standard output."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the script may have put anything there
                stream.flush()
        _write(self._err if to_stderr else self._out, f"{text}\n".encode(self._encoding, "backslashreplace"))

    def say(self, line: str) -> None:
        """Print one line on standard error, with the program's name."""
        self.print(f"trainwell: {line}")

    def print_last(self, line: str) -> None:
        """Print a line on standard output when this process ends, after everything the script writes."""
        self._last = f"\n{line}"  # what the script wrote last may lack its end of line

    def _print_last(self) -> None:
        if self._last:
            self.print(self._last, to_stderr=False)


def _duplicate(stream: int) -> int | None:
    try:
        return os.dup(stream)
    except OSError:  # we were started without it
        return None


def _write(stream: int | None, data: bytes) -> None:
    with contextlib.suppress(OSError):
        while stream is not None and data:
            data = data[os.write(stream, data) :]
