"""Source lines of the user's own files, and the names the user gives to objects there."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import final

import torch

from trainwell.core.files import plain

OUR_FOLDER = str(Path(__file__).parents[2]) + os.sep
"""Folder of this package, with a separator at its end."""

_LONGEST_LINE = 200
_TORCH_FOLDER = os.path.dirname(torch.__file__) + os.sep
_LIBRARY_FOLDERS = tuple(
    os.path.realpath(folder) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (folder := sysconfig.get_path(name))
)


@final
class EventLines:
    """The first source line of the user at which each kind of event happened.

    >>> lines = EventLines()
    >>> lines.add("backward", "train.py:57")
    >>> lines.add("backward", "train.py:90")
    >>> lines.first
    {'backward': 'train.py:57'}
    """

    def __init__(self) -> None:
        self.first: dict[str, str] = {}  # event -> "train.py:57"

    def add(self, event: str, line: str) -> None:
        """Keep a line unless the event has one already."""
        self.first.setdefault(event, line)

    def add_current(self, event: str) -> None:
        """Keep the line that is being executed unless the event has one already."""
        if event not in self.first and (line := user_line()) is not None:
            self.first[event] = line


def user_frames(frame: FrameType | None = None) -> Iterator[FrameType]:
    """Yield the frames of the user's own code, innermost first; frames of libraries and of this package are skipped."""
    frame = frame or sys._getframe(1)
    while frame is not None:
        if is_user_file(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def user_line() -> str | None:
    """Return the line of the user's code that is being executed, as "train.py:57"; None if there is none."""
    frame = next(user_frames(sys._getframe(1)), None)
    return None if frame is None else f"{shown_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def is_called_by_user() -> bool:
    """Tell whether the nearest caller outside PyTorch and this package is the user's own code, not a framework."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((OUR_FOLDER, _TORCH_FOLDER)):
        frame = frame.f_back
    return frame is not None and is_user_file(frame.f_code.co_filename)


def variable_name(thing: object) -> str | None:
    """Return the name of the user's variable that holds an object, innermost frame first; None if there is none.

    >>> network = object()
    >>> variable_name(network) in ("network", None)  # None where the caller is a library, as a test runner is
    True
    """
    for frame in user_frames(sys._getframe(1)):
        for name, value in frame.f_locals.items():
            if value is thing and not name.startswith("_"):
                return name
    return None


def source_lines(places: Iterable[str]) -> dict[str, str]:
    """Return the text of each place that is a line of a file, "train.py:57"; other places are left out.

    >>> source_lines(["fc1", "absent.py:3"])
    {}
    """
    found = {}
    for place in places:
        file, _, number = place.rpartition(":")
        if file and number.isdigit():
            line = linecache.getline(os.path.join(start_folder(), file), int(number)).strip()
            if line:
                found[place] = plain(line)[:_LONGEST_LINE]
    return found


def shown_path(path: str) -> str:
    """Return a path for display: relative to the start folder if it lies below it, else only the file's name."""
    folder = os.path.join(start_folder(), "")
    whole = os.path.normpath(folder + path if not os.path.isabs(path) else path)
    return plain(whole.removeprefix(folder) if whole.startswith(folder) else os.path.basename(path))


@functools.cache
def start_folder() -> str:
    """Return the working folder at the first call: a script may change it, or delete the folder it is in."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


@functools.cache
def is_user_file(path: str) -> bool:
    """Tell whether a file is the user's own: not of Python, not of an installed package, not of this package."""
    if path.startswith("<") and not path.startswith("<ipython"):
        return False
    real = os.path.realpath(os.path.join(start_folder(), path))
    return "site-packages" not in real and not real.startswith((OUR_FOLDER, *_LIBRARY_FOLDERS))
