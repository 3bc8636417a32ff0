"""Watches the first of the processes that a script starts with `torch.multiprocessing.spawn`."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import torch.multiprocessing

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, in_order
from trainwell.core.signals import Signals
from trainwell.monitor.session import Session
from trainwell.monitor.trainings.record import Record


class Report(NamedTuple):
    """What was seen in the process of the first rank.

    Args:
        findings: what is wrong, causes first.
        signals: those of the first training.
        facts: what is known of it; None if there was none.
        steps: optimizer steps.
        overhead_fraction: time spent on watching over the time spent on everything else.
        watch_seconds: time spent on watching.
    """

    findings: tuple[Finding, ...]
    signals: Signals
    facts: Facts | None
    steps: int
    overhead_fraction: float
    watch_seconds: float


@dataclass(frozen=True)
class Rank:
    """The function that is called in each process, watched in the first. It is pickled, so it is plain data.

    Args:
        work: the user's function.
        folder: where the report is written.
        source: name of the script.
        budget: watching time as a fraction of training time.
    """

    work: Callable[..., Any]
    folder: Path
    source: str
    budget: float

    def __call__(self, number: int, *arguments: Any) -> Any:
        """Call the user's function with the number of the process, the rank."""
        if number:
            return self.work(number, *arguments)
        session = Session(Record(None, _say), budget=self.budget, source=self.source)
        session.start()
        try:
            return self.work(number, *arguments)
        except BaseException as problem:
            session.note_error(problem)
            raise
        finally:
            report = report_of(session, session.finish())
            with contextlib.suppress(OSError):
                (self.folder / f"{time.time_ns()}-{os.getpid()}").write_bytes(pickle.dumps(report))


@final
class Ranks:
    """Wraps the function that starts processes, and collects what was seen in the first of them.

    Args:
        source: name of the script.
        budget: watching time as a fraction of training time.
    """

    def __init__(self, *, source: str, budget: float) -> None:
        self._source = source
        self._budget = budget
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        # The package has a function of the name of the module.
        self._places: tuple[Any, Any] = (sys.modules["torch.multiprocessing.spawn"], torch.multiprocessing)
        self._original: Callable[..., Any] = self._places[0].start_processes

    def install(self) -> None:
        """Wrap `start_processes`, which `spawn` calls."""

        @functools.wraps(self._original)
        def start_processes(fn: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="trainwell-", ignore_cleanup_errors=True)
            return self._original(Rank(fn, Path(self._folder.name), self._source, self._budget), *arguments, **options)

        for place in self._places:
            place.start_processes = start_processes

    def remove(self) -> list[Report]:
        """Restore `start_processes`, and return one report of each call, in the order they ended."""
        for place in self._places:
            place.start_processes = self._original
        if self._folder is None:
            return []
        reports: list[Report] = []
        for path in sorted(Path(self._folder.name).iterdir()):
            with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):  # its process was killed
                reports.append(pickle.loads(path.read_bytes()))
        self._folder.cleanup()
        return reports


def merged(reports: Sequence[Report]) -> Report:
    """Return the report with the most steps, with the findings of all: one of each rule, causes first."""
    first = max(reports, key=lambda report: report.steps)
    found: dict[str, Finding] = {}
    for finding in [*first.findings, *(finding for report in reports for finding in report.findings)]:
        found.setdefault(finding.rule, finding)
    return first._replace(findings=in_order(found.values()))


def report_of(session: Session, findings: list[Finding]) -> Report:
    """Return what was seen in a session."""
    trainings = session.trainings
    first = next(iter(trainings.all), None)
    return Report(
        tuple(findings),
        first.series.signals if first is not None else Signals(),
        trainings.facts(first, steps=session.steps) if first is not None else None,
        session.steps,
        trainings.overhead_fraction,
        trainings.watch_seconds,
    )


def _say(line: str) -> None:
    print(f"trainwell: {line}", file=sys.stderr or sys.__stderr__, flush=True)
