"""Lets the first of the processes that a script starts with `torch.multiprocessing.spawn` be watched."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, final

import torch.multiprocessing

from trainwell.monitor.trainings.report import Report


class WatchWork(Protocol):
    """Makes a function that is watched in the process of the first rank. The function is pickled."""

    def __call__(self, work: Callable[..., Any], *, folder: Path) -> Callable[..., Any]:
        """Return `work`, watched; its report goes into a folder, by `write_report`."""


@final
class Ranks:
    """Wraps the function that starts processes, and collects what was seen in the first of them.

    Args:
        watch: makes the watched function.
    """

    def __init__(self, watch: WatchWork) -> None:
        self._watch = watch
        self._folder: Path | None = None
        # The package has a function of the name of the module.
        self._places: tuple[Any, Any] = (sys.modules["torch.multiprocessing.spawn"], torch.multiprocessing)
        self._original: Callable[..., Any] = self._places[0].start_processes

    def install(self) -> None:
        """Wrap `start_processes`, which `spawn` calls."""

        @functools.wraps(self._original)
        def start_processes(fn: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            try:
                # Not a `TemporaryDirectory`: a process that the script forks off would delete it at its end.
                self._folder = self._folder or Path(tempfile.mkdtemp(prefix="trainwell-"))
                fn = self._watch(fn, folder=self._folder)
            except OSError:  # no folder, no report: the processes start all the same
                pass
            return self._original(fn, *arguments, **options)

        for place in self._places:
            place.start_processes = start_processes

    def remove(self) -> list[Report]:
        """Restore `start_processes`, and return one report of each call, in the order they ended."""
        for place in self._places:
            place.start_processes = self._original
        if self._folder is None:
            return []
        reports: list[Report] = []
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.iterdir()):
                with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):  # its process was killed
                    reports.append(pickle.loads(path.read_bytes()))
        shutil.rmtree(self._folder, ignore_errors=True)
        return reports


def write_report(report: Report, folder: Path) -> None:
    """Leave a report for the process that collects them."""
    with contextlib.suppress(OSError):
        (folder / f"{time.time_ns()}-{os.getpid()}").write_bytes(pickle.dumps(report))
