from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Severity
from trainwell.core.signals import Signals
from trainwell.monitor import Record
from trainwell.monitor.trainings.record import one_line
from trainwell.rules import RULES
from trainwell.runs import Run, RunWriter


def test_verdicts_are_said_once(said: list[str]) -> None:
    record = Record(None, said.append)
    series = record.new_training()
    for step in range(5):
        series.signal("code/gradient_before_backward", step, value=1.0)
        record.judge({series: Facts()})
    assert len(said) == 1
    assert said[0].startswith("error: Gradients accumulate")


def test_hints_and_symptoms_are_not_said(said: list[str]) -> None:
    record = Record(None, said.append)
    series = record.new_training()
    for step in range(4):
        series.signal("code/summed_loss", step, value=64.0)
        series.signal("code/gradient_before_backward", step, value=1.0)
        series.loss(step, math.nan)
    findings = record.judge({series: Facts()})
    assert {finding.rule for finding in findings} >= {"missing_zero_grad", "loss_not_finite"}
    assert len(said) == 2
    assert not any("loss_not_finite" in line for line in said)


def test_the_same_fault_of_two_trainings_is_one_finding() -> None:
    record = Record(None, print)
    both = {record.new_training(): Facts(), record.new_training(): Facts()}
    for series in both:
        for step in range(3):
            series.signal("code/gradient_before_backward", step, value=1.0)
    assert len(record.judge(both)) == 1


def test_the_loss_itself_replaces_single_readings() -> None:
    series = Record(None, print).new_training()
    series.signal("loss/train", 0, value=9.0)
    series.loss(1, 2.0)
    series.signal("loss/train", 2, value=9.0)
    assert series.signals["loss/train"].values == [9.0, 2.0]


def test_of_losses_that_need_not_fall_only_broken_ones_are_judged() -> None:
    series = Record(None, print).new_training()
    for step, value in enumerate((1.0, math.inf, 3.0)):
        series.loss(step, value)
    series.loss_means_progress = False
    assert series.judged()["loss/train"].values == [math.inf]


def test_everything_reaches_the_run(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "a", recipe_text="")
    record = Record(writer, print)
    first, second = record.new_training(), record.new_training()
    first.signal("grad/norm", 0, value=1.0)
    second.signal("grad/norm", 0, value=2.0)
    record.event("internal", {"problem": "x"})
    first.flush()
    record.store(lambda writer: writer.finish("ok"))
    run = Run.open(tmp_path / "a")
    assert {name: series.last for name, series in run.signals().items()} == {
        "grad/norm": 1.0,
        "training2/grad/norm": 2.0,
    }
    assert [event.kind for event in run.events()] == ["internal"]


def test_a_disk_that_refuses_ends_the_recording_only(tmp_path: Path, said: list[str]) -> None:
    record = Record(RunWriter.create(tmp_path, "a", recipe_text=""), said.append)
    series = record.new_training()
    shutil.rmtree(tmp_path / "a")
    series.signal("grad/norm", 0, value=1.0)
    series.flush()
    series.signal("grad/norm", 1, value=1.0)
    series.flush()
    assert len(said) == 1
    assert said[0].startswith("the run is no longer recorded")
    assert record.is_lost
    assert len(series.signals["grad/norm"]) == 2


def test_a_forked_process_writes_nothing(tmp_path: Path) -> None:
    record = Record(RunWriter.create(tmp_path, "a", recipe_text=""), print)
    reached: list[int] = []
    child = os.fork()
    if child == 0:
        record.store(lambda writer: reached.append(1))
        os._exit(len(reached))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    record.store(lambda writer: reached.append(1))
    assert reached == [1]


def test_one_line_has_no_more_than_it_knows() -> None:
    from trainwell.core.finding import Finding

    assert one_line(Finding("r", Severity.ERROR, "T.")) == "error: T. (r)"


def test_too_many_failures_of_our_own_are_reported_as_such() -> None:
    record = Record(None, print)
    assert [record.failure(ValueError("no")) for _ in range(12)] == [False] * 10 + [True] * 2
    assert record.events[0] == ("internal", {"problem": "ValueError: no", "line": ""})


def test_a_rule_that_raises_an_error_is_an_internal_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(signals: Signals, facts: Facts) -> None:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setitem(RULES._entries, "dead_units", broken)
    record = Record(None, print)
    series = record.new_training()
    for _ in range(3):
        assert record.judge({series: Facts()}) == []
    assert record.events == [("internal", {"problem": "ZeroDivisionError: float division by zero", "rule": "broken"})]
