"""What is kept of a watched training: in memory for the rules, in a run folder for everybody else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any, final

from trainwell.core.errors import TrainwellError
from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity, in_order, is_symptom
from trainwell.core.signals import Signals
from trainwell.monitor.code.source_lines import source_lines
from trainwell.rules import diagnose
from trainwell.runs import RunWriter


@final
class Record:
    """Everything that was seen in one process; the run folder is left to the process that made it.

    Args:
        writer: the run, or None to keep everything in memory.
        say: is told each verdict when it first arises, in one line.
    """

    def __init__(self, writer: RunWriter | None, say: Callable[[str], None]) -> None:
        self.series: list[SeriesOf] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._writer = writer
        self.is_lost = False
        self._tell = say
        self._said: set[str] = set()
        self._process = os.getpid()

    def of_training(self) -> SeriesOf:
        """Return an empty record of one training; only the first is shown on the page of the run."""
        number = len(self.series)
        self.series.append(SeriesOf(self, "" if not number else f"training{number + 1}/"))
        return self.series[-1]

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record that something happened."""
        self.events.append((kind, dict(detail)))
        self.store(lambda writer: writer.event(kind, detail))

    def store(self, write: Callable[[RunWriter], object]) -> None:
        """Write to the run; a disk that refuses ends the recording, not the training."""
        if self._writer is None or os.getpid() != self._process:
            return
        try:
            write(self._writer)
        except TrainwellError as problem:
            self._writer = None
            self.is_lost = True
            self._say(f"the run is no longer recorded: {problem}")

    def _say(self, line: str) -> None:
        with contextlib.suppress(Exception):  # the script may have closed the stream
            self._tell(line)

    def judge(self, trainings: Mapping[SeriesOf, Facts]) -> list[Finding]:
        """Run the rules over each training, say what is new, and return all findings, causes first."""
        findings: list[Finding] = []
        for series, facts in trainings.items():
            there = {finding.rule for finding in findings}
            findings += [finding for finding in diagnose(series.judged(), facts) if finding.rule not in there]
        findings = [dataclasses.replace(one, source_lines=source_lines(one.where)) for one in in_order(findings)]
        for finding in findings:
            fresh = finding.rule not in self._said and finding.severity is not Severity.INFO
            if fresh and not is_symptom(finding, findings):
                self._said.add(finding.rule)
                self._say(one_line(finding))
        return findings


@final
class SeriesOf:
    """The series of one training: a recorder for its probes.

    Args:
        record: where events and copies for the run go.
        prefix: path under which the run keeps the series.
    """

    def __init__(self, record: Record, prefix: str) -> None:
        self.signals = Signals()
        self.loss_means_progress = True
        self.unused: set[str] = set()  # parameters of parts that do not run: nothing of them is recorded
        self._has_losses = False
        self._record = record
        self._prefix = prefix

    def loss(self, step: int, value: float) -> None:
        """Record the loss itself; the single losses that a probe reads are then left out.

        One that falls below zero has no scale on which the rules could tell much from little.
        """
        self.loss_means_progress &= not value < 0
        self._has_losses = False
        self.signal("loss/train", step, value)
        self._has_losses = True

    def signal(self, name: str, step: int, value: float) -> None:
        """Record one value of one series."""
        if (self._has_losses and name == "loss/train") or (self.unused and name.rpartition("/")[2] in self.unused):
            return
        self.signals.add(name, step, value)
        self._record.store(lambda writer: writer.signal(self._prefix + name, step, value))

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record that something happened."""
        self._record.event(kind, detail)

    def judged(self) -> Signals:
        """Return what the rules may judge: where networks play against each other, a loss need not fall."""
        if self.loss_means_progress:
            return self.signals
        kept = Signals()
        for name, series in self.signals.items():
            for step, value in series:
                if name != "loss/train" or value - value != 0:
                    kept.add(name, step, value)
        return kept

    def score(self, epoch: int, step: int, split: str, scores: Mapping[str, float]) -> None:
        """Scores are not seen in a loop that is not ours."""

    def progress(self, steps: int) -> None:
        """Steps are written once, at the end."""

    def flush_if_due(self) -> None:
        """Bring to the disk what was recorded, at most about once a second."""
        self._record.store(lambda writer: writer.flush_if_due())

    def flush(self) -> None:
        """Bring to the disk what was recorded."""
        self._record.store(lambda writer: writer.flush())


def one_line(finding: Finding) -> str:
    """Write a finding in one line.

    >>> one_line(Finding("dead_units", Severity.WARNING, "Most units never fire.", where=("fc1",), step=36))
    'warning: Most units never fire. (dead_units, step 36, fc1)'
    """
    step = [] if finding.step is None else [f"step {finding.step}"]
    return f"{finding.severity}: {finding.title} ({', '.join([finding.rule, *step, *finding.where[:2]])})"
