"""What is recorded of a process: in memory for the rules, in a run folder for everybody else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, final

from trainwell.core.errors import TrainwellError
from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity, in_order, is_symptom
from trainwell.core.signals import Signals
from trainwell.monitor.code.exceptions import error_message
from trainwell.monitor.code.source_lines import source_lines
from trainwell.rules import diagnose
from trainwell.runs import RunWriter

_MOST_FAILURES = 10


@final
class Record:
    """Everything that was seen in one process. Only the process that made the run folder writes to it.

    Args:
        writer: the run, or None to keep everything in memory.
        say: called with each new verdict, as one line.
    """

    def __init__(self, writer: RunWriter | None, say: Callable[[str], None]) -> None:
        self.series: list[TrainingSeries] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.error = ""  # the exception that ended the script
        self.is_lost = False  # whether the run folder could no longer be written
        self._writer = writer
        self._say_line = say
        self._said: set[str] = set()
        self._failures = 0
        self._failed_rules: set[str] = set()
        self._process = os.getpid()

    @property
    def is_own_process(self) -> bool:
        """Whether this is the process that made the record, and not one forked off it."""
        return os.getpid() == self._process

    def new_training(self) -> TrainingSeries:
        """Return the empty series of one training; the page of the run shows only those of the first."""
        number = len(self.series)
        self.series.append(TrainingSeries(self, "" if not number else f"training{number + 1}/"))
        return self.series[-1]

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record an event."""
        self.events.append((kind, dict(detail)))
        self.store(lambda writer: writer.event(kind, detail))

    def failure(self, problem: Exception) -> bool:
        """Record an error of our own; return whether there were too many to continue."""
        self._failures += 1
        frames = [*traceback.walk_tb(problem.__traceback__)]
        at = "".join(f"{os.path.basename(frame.f_code.co_filename)}:{line}" for frame, line in frames[-1:])
        self.event("internal", {"problem": f"{type(problem).__name__}: {error_message(problem)}", "line": at})
        return self._failures > _MOST_FAILURES

    def rule_failed(self, rule: str, problem: Exception) -> None:
        """Record that a rule raised an error, once for each rule: it is run again and again."""
        if rule not in self._failed_rules:
            self._failed_rules.add(rule)
            self.event("internal", {"problem": f"{type(problem).__name__}: {error_message(problem)}", "rule": rule})

    def store(self, write: Callable[[RunWriter], object]) -> None:
        """Write to the run folder; if that fails, the recording ends and the training continues."""
        if self._writer is None or not self.is_own_process:
            return
        try:
            write(self._writer)
        except Exception as problem:  # also where the script has replaced what we use, `json.dumps` for example
            self._writer = None
            self.is_lost = True
            said = problem if isinstance(problem, TrainwellError) else f"{type(problem).__name__}: {problem}"
            self._say(f"the run is no longer recorded: {said}")

    def judge(self, trainings: Mapping[TrainingSeries, Facts]) -> list[Finding]:
        """Run the rules on each training, print new verdicts, and return all findings, causes first."""
        findings: list[Finding] = []
        for series, facts in trainings.items():
            there = {finding.rule for finding in findings}
            found = diagnose(series.judged(), facts, on_error=self.rule_failed)
            findings += [finding for finding in found if finding.rule not in there]
        findings = [dataclasses.replace(one, source_lines=source_lines(one.where)) for one in in_order(findings)]
        for finding in findings:
            is_new = finding.rule not in self._said and finding.severity is not Severity.INFO
            if is_new and not is_symptom(finding, findings):
                self._said.add(finding.rule)
                self._say(one_line(finding))
        return findings

    def _say(self, line: str) -> None:
        with contextlib.suppress(Exception):  # the script may have closed the stream
            self._say_line(line)


@final
class TrainingSeries:
    """The series of one training, and the recorder for its probes.

    Args:
        record: where events and the run folder's copy go.
        prefix: path under which the run folder keeps the series.
    """

    def __init__(self, record: Record, prefix: str) -> None:
        self.signals = Signals()
        self.loss_means_progress = True  # False where networks compete or the loss has no lower bound
        self.unused: set[str] = set()  # parameters of layers that do not run: nothing is recorded of them
        self._has_losses = False
        self._record = record
        self._prefix = prefix

    def loss(self, step: int, value: float) -> None:
        """Record the loss itself; the single losses that a probe reads are then left out.

        A loss below zero has no scale on which rules could compare, so that it does not mean progress.
        """
        self.loss_means_progress &= not value < 0
        self._has_losses = False
        self.signal("loss/train", step, value=value)
        self._has_losses = True

    def signal(self, name: str, step: int, *, value: float) -> None:
        """Record one value of one series."""
        if (self._has_losses and name == "loss/train") or (self.unused and name.rpartition("/")[2] in self.unused):
            return
        self.signals.add(name, step, value=value)
        self._record.store(lambda writer: writer.signal(self._prefix + name, step, value=value))

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record an event."""
        self._record.event(kind, detail)

    def judged(self) -> Signals:
        """Return the signals that rules may judge; where the loss need not fall, only its non-finite values."""
        if self.loss_means_progress:
            return self.signals
        kept = Signals()
        for name, series in self.signals.items():
            for step, value in series:
                if name != "loss/train" or value - value != 0:
                    kept.add(name, step, value=value)
        return kept

    def score(self, epoch: int, step: int, *, split: str, scores: Mapping[str, float]) -> None:
        """Ignore scores: they are not seen in a loop that is not ours."""

    def progress(self, steps: int) -> None:
        """Ignore progress: the number of steps is written once, at the end."""

    def flush_if_due(self) -> None:
        """Write to the disk what was recorded, at most about once a second."""
        self._record.store(lambda writer: writer.flush_if_due())

    def flush(self) -> None:
        """Write to the disk what was recorded."""
        self._record.store(lambda writer: writer.flush())


def one_line(finding: Finding) -> str:
    """Return a finding as one line.

    >>> one_line(Finding("dead_units", Severity.WARNING, "Most ReLU units are dead.", where=("fc1",), step=36))
    'warning: Most ReLU units are dead. (dead_units, step 36, fc1)'
    """
    step = [] if finding.step is None else [f"step {finding.step}"]
    return f"{finding.severity}: {finding.title} ({', '.join([finding.rule, *step, *finding.where[:2]])})"
