"""Runs a script of the user from start to end: watched, recorded and judged."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trainwell.core.descriptors import opened_high
from trainwell.core.errors import StorageError
from trainwell.core.files import plain
from trainwell.core.finding import Finding
from trainwell.monitor.code.source_lines import start_folder
from trainwell.monitor.ranks import Ranks, write_report
from trainwell.monitor.script import Program, module, script
from trainwell.monitor.session import Session
from trainwell.monitor.trainings.record import Record
from trainwell.monitor.trainings.report import Report, merged
from trainwell.runs import RunWriter


@dataclass(frozen=True)
class Watched:
    """What a watched script did.

    Args:
        exit_code: the script's own.
        run: folder of the run; None if none could be written.
        report: what was seen.
        seconds: time the script took.
        is_main: False in a process that the script forked off, and on all ranks but the first.
    """

    exit_code: int
    run: Path | None = None
    report: Report = field(default_factory=Report)
    seconds: float = 0.0
    is_main: bool = True

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, causes first."""
        return self.report.findings

    @property
    def steps(self) -> int:
        """Optimizer steps that were seen."""
        return self.report.steps

    @property
    def overhead_fraction(self) -> float:
        """Time spent on watching over the time spent on everything else."""
        return self.report.overhead_fraction

    @property
    def watch_seconds(self) -> float:
        """Time spent on watching."""
        return self.report.watch_seconds

    def to_json(self) -> dict[str, Any]:
        """Return the result in the shape that `--json` prints."""
        return {
            "run": None if self.run is None else str(self.run),
            "exit_code": self.exit_code,
            "findings": [finding.to_json() for finding in self.findings],
            "overhead_fraction": round(self.overhead_fraction, 5),
            "seconds": round(self.seconds, 3),
        }


def run_watched(
    target: str,
    arguments: Sequence[str],
    *,
    is_module: bool,
    runs: Path,
    name: str | None,
    budget: float,
    say: Callable[[str], None],
) -> Watched:
    """Run a script or module as the main program and watch what it trains.

    Whatever happens to the watching, the script runs to its end, and its exit code is returned.

    Args:
        target: path of the script, or name of the module.
        arguments: what follows it.
        is_module: whether `target` is a module.
        runs: folder of the runs.
        name: name of the run; None makes one from the script's name and the time.
        budget: watching time as a fraction of training time.
        say: called with each verdict when it arises, as one line.
    Raises:
        UsageError: there is no such script, or the run cannot be created.
    """
    program = (module if is_module else script)(target, arguments)
    if os.environ.get("RANK", "0") != "0":
        return Watched(program.run(lambda error: None), is_main=False)
    runs = Path(start_folder(), runs)  # the script may go elsewhere
    writer = _writer(runs, name, command=" ".join([target, *arguments]), stem=Path(target).stem, say=say)
    session = Session(Record(writer, say), budget=budget, source=target)
    return _WatchedScript(program, target, writer, session, say).watch()


@dataclass(frozen=True)
class WatchedRank:
    """The user's function that is called in each process, watched in the first. It is pickled, so it is plain data.

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
        session = Session(Record(None, _say_in_rank), budget=self.budget, source=self.source)
        with contextlib.suppress(Exception):  # nothing is raised into the user's code
            session.start()
        try:
            return self.work(number, *arguments)
        except BaseException as problem:
            session.note_error(problem)
            raise
        finally:
            with contextlib.suppress(Exception):
                write_report(session.report(session.finish()), self.folder)


@dataclass(frozen=True)
class _WatchedScript:
    """One script that is watched in this process."""

    program: Program
    source: str
    writer: RunWriter | None
    session: Session
    say: Callable[[str], None]

    def watch(self) -> Watched:
        """Run the script, and return what was seen."""
        process = os.getpid()
        began = time.monotonic()
        ranks = Ranks(self._watched_rank)
        with self._reporting_failures():
            self.session.start()
            ranks.install()
        code = self.program.run(self.session.note_error)
        if os.getpid() != process:
            self.session.observer.hooks.remove()
            return Watched(code, is_main=False)
        report = Report()
        seconds = 0.0
        with self._reporting_failures():
            _cancel_timers()
            seconds = time.monotonic() - began
            own = self.session.report(self.session.finish())
            report = merged([own, *ranks.remove()])
            self._record_end(report, code, has_own_signals=report.steps <= own.steps)
        run = None if self.writer is None or self.session.record.is_lost else self.writer.path
        return Watched(code, run, report, seconds)

    def _watched_rank(self, work: Callable[..., Any], *, folder: Path) -> Callable[..., Any]:
        return WatchedRank(work, folder, self.source, self.session.trainings.overhead.budget)

    def _record_end(self, report: Report, code: int, *, has_own_signals: bool) -> None:
        record = self.session.record
        if not has_own_signals:
            record.store(lambda writer: _copy_signals(writer, report))
        record.store(lambda writer: _close(writer, report, code=code, error=record.error))

    @contextlib.contextmanager
    def _reporting_failures(self) -> Iterator[None]:
        try:
            yield
        except Exception as problem:  # the exit code stays that of the script
            with contextlib.suppress(Exception):
                self.say(f"the script is not watched: internal error, {type(problem).__name__}: {problem}")


def _cancel_timers() -> None:
    """Cancel alarms of a script that has ended: without us they would have ended with it."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        with contextlib.suppress(OSError, ValueError):
            signal.setitimer(timer, 0.0)


def _copy_signals(writer: RunWriter, report: Report) -> None:
    for name, series in report.signals.items():
        for step, value in series:
            writer.signal(name, step, value=value)


def _writer(runs: Path, name: str | None, *, command: str, stem: str, say: Callable[[str], None]) -> RunWriter | None:
    stem = "".join(letter if letter.isalnum() else "-" for letter in stem).strip("-")[:40] or "script"
    try:
        with opened_high():
            writer = RunWriter.create(
                runs,
                name or f"{stem}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}",
                recipe_text="",  # a script has no recipe
            )
    except StorageError as problem:
        say(f"no run is recorded: {problem}")
        return None
    writer.set_meta("script", plain(command))
    writer.flush()
    return writer


def _close(writer: RunWriter, report: Report, *, code: int, error: str) -> None:
    if report.facts is not None:
        writer.describe(task=report.facts.task, main_score="", model=report.facts.model, facts=report.facts)
    for finding in report.findings:
        writer.finding(finding)
    writer.progress(report.steps)
    writer.set_meta("overhead_fraction", report.overhead_fraction)
    status = {0: "ok", 130: "interrupted"}.get(code, "failed")
    writer.finish(status, "" if code == 0 else plain(error)[:500] or f"exit code {code}")


def _say_in_rank(line: str) -> None:
    print(f"trainwell: {line}", file=sys.stderr or sys.__stderr__, flush=True)
