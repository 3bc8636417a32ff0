"""Where in the user's own files something happens, and what the user calls an object there."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

import torch

from trainwell.core.files import plain

OUR_FOLDER = str(Path(__file__).parents[2]) + os.sep
"""Folder of this package, with a separator at its end."""

_LONGEST_LINE = 200
_TORCH = os.path.dirname(torch.__file__) + os.sep
_FOREIGN = tuple(
    os.path.realpath(folder) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (folder := sysconfig.get_path(name))
)


def user_frames(frame: FrameType | None = None) -> Iterator[FrameType]:
    """Yield the frames of the user's own code, innermost first: neither a library's nor ours."""
    frame = frame or sys._getframe(1)
    while frame is not None:
        if is_the_users(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def user_line() -> str | None:
    """Return the line of the user that is being executed, as "train.py:57"."""
    frame = next(user_frames(sys._getframe(1)), None)
    return None if frame is None else f"{shown_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def is_called_by_user() -> bool:
    """Tell whether what is being executed, PyTorch apart, was called by the user's own code and not by a framework."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((OUR_FOLDER, _TORCH)):
        frame = frame.f_back
    return frame is not None and is_the_users(frame.f_code.co_filename)


def variable_name(thing: object) -> str | None:
    """Return what the user's code that is being executed calls an object, innermost names first.

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
    """Return a path as a person wants to read it: relative to the folder we were started in if it lies below."""
    folder = os.path.join(start_folder(), "")
    whole = os.path.normpath(folder + path if not os.path.isabs(path) else path)
    return plain(whole.removeprefix(folder) if whole.startswith(folder) else os.path.basename(path))


@functools.cache
def start_folder() -> str:
    """Return the working folder at the first call: a script may leave it, or delete the one it is in."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


@functools.cache
def is_the_users(path: str) -> bool:
    """Tell whether a file is the user's own: neither of Python, nor of an installed package, nor of this one."""
    if path.startswith("<") and not path.startswith("<ipython"):
        return False
    real = os.path.realpath(os.path.join(start_folder(), path))
    return "site-packages" not in real and not real.startswith((OUR_FOLDER, *_FOREIGN))
