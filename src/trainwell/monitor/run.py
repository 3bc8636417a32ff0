"""Runs a script of the user from start to end: watched, recorded and judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trainwell.core.errors import StorageError
from trainwell.core.files import plain
from trainwell.core.finding import Finding
from trainwell.monitor.code.source_lines import start_folder
from trainwell.monitor.ranks import Ranks, Report, merged, report_of
from trainwell.monitor.script import module, script
from trainwell.monitor.session import Session
from trainwell.monitor.trainings.record import Record
from trainwell.runs import RunWriter


@dataclass(frozen=True)
class Watched:
    """What a watched script did.

    Args:
        exit_code: the script's own.
        run: folder of the run; None if none could be written.
        findings: what is wrong, causes first.
        overhead_fraction: time spent on watching over the time spent on everything else.
        watch_seconds: time spent on watching.
        seconds: time the script took.
        steps: optimizer steps that were seen.
        is_main: False in a process that the script forked off, and on all ranks but the first.
    """

    exit_code: int
    run: Path | None = None
    findings: tuple[Finding, ...] = ()
    overhead_fraction: float = 0.0
    watch_seconds: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    is_main: bool = True

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
    process, began = os.getpid(), time.monotonic()
    runs = Path(start_folder(), runs)  # the script may go elsewhere
    writer = _writer(runs, name, target, arguments, say)
    session = Session(Record(writer, say), budget=budget, source=target)
    ranks = Ranks(source=target, budget=budget)
    session.start()
    ranks.install()
    code = program.run(session.note_error)
    own, spawned = report_of(session, session.finish()), ranks.remove()
    seconds = time.monotonic() - began
    if os.getpid() != process:
        return Watched(code, is_main=False)
    report = merged([own, *spawned])
    if report.steps > own.steps:
        session.record.store(lambda writer: _copy_signals(writer, report))
    session.record.store(lambda writer: _close(writer, report, code, session.record.error))
    run = None if writer is None or session.record.is_lost else writer.path
    return Watched(code, run, report.findings, report.overhead_fraction, report.watch_seconds, seconds, report.steps)


def _copy_signals(writer: RunWriter, report: Report) -> None:
    for name, series in report.signals.items():
        for step, value in series:
            writer.signal(name, step, value)


def _writer(
    runs: Path, name: str | None, target: str, arguments: Sequence[str], say: Callable[[str], None]
) -> RunWriter | None:
    shown = plain(" ".join([target, *arguments]))
    stem = "".join(letter if letter.isalnum() else "-" for letter in Path(target).stem).strip("-")[:40] or "script"
    try:
        writer = RunWriter.create(
            runs,
            name or f"{stem}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}",
            recipe_text="",  # a script has no recipe
        )
    except StorageError as problem:
        say(f"no run is recorded: {problem}")
        return None
    writer.set_meta("script", shown)
    writer.flush()
    return writer


def _close(writer: RunWriter, report: Report, code: int, error: str) -> None:
    if report.facts is not None:
        writer.describe(task=report.facts.task, main_score="", model=report.facts.model, facts=report.facts)
    for finding in report.findings:
        writer.finding(finding)
    writer.progress(report.steps)
    writer.set_meta("overhead_fraction", report.overhead_fraction)
    status = {0: "ok", 130: "interrupted"}.get(code, "failed")
    writer.finish(status, "" if code == 0 else plain(error)[:500] or f"exit code {code}")
