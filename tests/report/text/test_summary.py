from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.report.html.page import write_report
from trainwell.report.text.summary import summary, summary_text
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot


def test_the_summary_of_a_good_run(make_run) -> None:
    run = make_run()
    write_report(run)
    lines = summary(run).splitlines()
    assert lines[0] == "pets: mlp on pets"
    assert lines[2].startswith("  Accuracy on the 50 held-out test images is 88.0 % (majority class: 40.0 %,")
    assert "            training  validation    test" in lines
    assert "  accuracy    0.9900      0.9000  0.8800" in lines
    assert any(line.startswith("  report") and line.endswith("report.html") for line in lines)
    assert any("trainwell predict" in line for line in lines)


def test_findings_follow_the_scores(make_run, two_findings) -> None:
    text = summary(make_run(findings=two_findings))
    assert (
        text.index("accuracy ") < text.index("warning: The rate is too high.") < text.index("trainwell rules rate_high")
    )
    assert "rise 1.84 (limit 1.1)" in text and "this also explains: The loss jumps" in text
    assert "  repair: Lower the learning rate" in text and "optim.learning_rate 0.001 → " in text


@pytest.mark.parametrize("status", ["failed", "interrupted", "killed", "running", "ok"])
def test_every_status_has_a_summary_of_80_columns(status: str) -> None:
    finding = Finding(
        "r", Severity.ERROR, "word " * 40, evidence={f"number {n}": n for n in range(20)}, where=("layer",) * 9
    )
    text = summary_text(Snapshot(Run(Path("s"), status, findings=(finding,), meta={"reason": "because " * 30})))
    assert all(len(line) <= 80 for line in text.splitlines())


def test_nothing_in_a_summary_steers_the_terminal() -> None:
    evil = "\x1b]0;pwn\x07\x9b31m\u202e\r"
    finding = Finding(
        evil, Severity.ERROR, evil, evidence={evil: 1.0}, where=(evil,), step=1, explains=(), remedies=(evil,)
    )
    events = {"data": {"source": evil}, "network": {"model": evil}, "stopped": {"why": evil}}
    text = summary_text(
        Snapshot(Run(Path("a" + evil), "failed", findings=(finding,), meta={"reason": evil}), events=events)
    )
    assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
