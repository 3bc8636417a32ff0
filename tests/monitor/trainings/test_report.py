from __future__ import annotations

import dataclasses
import pickle

from trainwell.core.finding import Finding, Severity
from trainwell.monitor.trainings.report import Report, merged


def test_reports_are_merged_causes_first() -> None:
    hint, error, twin = (
        Finding(rule, severity, "A title.", where=(place,))
        for rule, severity, place in [
            ("slow", Severity.INFO, "a"),
            ("missing_zero_grad", Severity.ERROR, "a"),
            ("missing_zero_grad", Severity.ERROR, "b"),
        ]
    )
    few, most = Report((twin,), steps=1), Report((hint, error), steps=9)
    assert merged([few, most]) == dataclasses.replace(most, findings=(error, hint))


def test_a_report_travels_to_another_process() -> None:
    report = Report((Finding("slow", Severity.INFO, "A title."),), steps=3)
    report.signals.add("loss/train", 0, value=2.0)
    again = pickle.loads(pickle.dumps(report))
    assert (again.findings, again.steps, again.signals["loss/train"].last) == (report.findings, 3, 2.0)
