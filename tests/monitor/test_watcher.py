from __future__ import annotations

import io
from typing import Any

import pytest
import torch
import ward
from torch import nn

from trainwell.core.finding import Severity
from trainwell.monitor import watch


def _sick(lesson: Any, steps: int = 12) -> None:
    for step in range(steps):
        lesson.loss(32 * step).backward()
        lesson.optimizer.step()


def test_a_fault_is_found_and_said(school: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lesson = school()
    with watch(lesson.model, lesson.optimizer, budget=1.0) as w:
        _sick(lesson)
    assert [(f.rule, f.severity) for f in w.findings][0] == ("missing_zero_grad", Severity.ERROR)
    assert "trainwell: error: Gradients accumulate" in capsys.readouterr().err
    assert ward.leftovers() == []


def test_findings_are_there_during_training(school: Any) -> None:
    lesson = school()
    with watch(lesson.model, lesson.optimizer, quiet=True) as w:
        assert w.findings == []
        _sick(lesson)
        assert [finding.rule for finding in w.findings][0] == "missing_zero_grad"
        assert w.overhead_fraction > 0


def test_healthy_training_is_left_in_peace(school: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lesson = school()
    with watch() as w:
        lesson.train(40)
    assert [finding for finding in w.findings if finding.severity is not Severity.INFO] == []
    assert capsys.readouterr().err == ""
    assert len(w.signals["loss/train"]) > 5


def test_other_trainings_are_not_ours(school: Any) -> None:
    mine, other = school(), school()
    with watch(mine.model, mine.optimizer, quiet=True) as w:
        for _ in range(6):
            other.loss().backward()
            other.optimizer.step()
            mine.train(1)
    assert w.findings == []


def test_a_loss_can_be_shown(school: Any) -> None:
    lesson = school()
    with watch(lesson.model, lesson.optimizer, quiet=True) as w:
        for step in range(4):
            loss = lesson.loss(32 * step)
            w.loss(loss)
            for parameter, gradient in zip(
                lesson.model.parameters(), torch.autograd.grad(loss, list(lesson.model.parameters())), strict=True
            ):
                parameter.grad = gradient
            lesson.optimizer.step()
    assert len(w.signals["loss/train"]) > 1


def test_an_error_is_diagnosed_and_passes(school: Any) -> None:
    lesson = school()
    with pytest.raises(IndexError), watch(quiet=True) as w:
        lesson.targets += 1
        lesson.train(3)
    assert [finding.rule for finding in w.findings] == ["labels_out_of_range"]
    assert ward.leftovers() == []


def test_start_and_stop_serve_callbacks(school: Any) -> None:
    lesson = school()
    w = watch(lesson.model, [lesson.optimizer], quiet=True).start()
    _sick(lesson)
    w.stop()
    w.stop()
    assert w.findings[0].rule == "missing_zero_grad"


def test_two_watches_at_once(school: Any) -> None:
    first, second = school(), school()
    with watch(first.model, first.optimizer, quiet=True) as a, watch(second.model, second.optimizer, quiet=True) as b:
        _sick(first)
        second.train(12)
    assert [finding.rule for finding in a.findings][0] == "missing_zero_grad"
    assert "missing_zero_grad" not in [finding.rule for finding in b.findings]
    assert ward.leftovers() == []


def test_nothing_seen_nothing_said() -> None:
    with watch(quiet=True) as w:
        nn.Linear(2, 2)(torch.ones(1, 2))
    assert w.findings == []
    assert len(w.signals) == 0


def test_an_error_that_cannot_be_said_is_still_the_users(school: Any) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(Mute), watch(quiet=True):
        school().train(2)
        raise Mute
    assert ward.leftovers() == []


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_is_gone_ends_no_training(stream: Any, school: Any, capsys: Any, monkeypatch: Any) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    with watch(budget=1.0) as w:
        _sick(school())
    assert w.findings[0].rule == "missing_zero_grad" and capsys.readouterr().out == ""
