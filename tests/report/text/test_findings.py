from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.report.text.findings import EvidenceRow, evidence_rows, finding_text, findings_text


@pytest.mark.parametrize(
    ("evidence", "rows"),
    [
        ({"a": 1.0, "a_threshold": 2.0}, [EvidenceRow("a", 1.0, "2")]),
        ({"a_limit": 2.0, "a": 1.0, "b": 3.0}, [EvidenceRow("a", 1.0, "2"), EvidenceRow("b", 3.0)]),
        ({"a": 1.0, "a_low_limit": 2.0, "a_high_limit": 5.0}, [EvidenceRow("a", 1.0, "2 to 5")]),
        ({"a": 1.0, "a_high_limit": 2.0}, [EvidenceRow("a", 1.0, "at most 2")]),
        ({"lost_limit": 2.0}, [EvidenceRow("lost limit", 2.0)]),
        ({"limit": 2.0}, [EvidenceRow("limit", 2.0)]),
        ({}, []),
    ],
)
def test_every_number_stands_beside_its_limit(evidence: dict[str, float], rows: list[EvidenceRow]) -> None:
    assert evidence_rows(Finding("r", Severity.INFO, "t", evidence=evidence)) == rows


def test_findings_follow_each_other_in_their_order_with_symptoms_under_their_cause() -> None:
    symptom = Finding("loss_not_finite", Severity.ERROR, "The loss is NaN.")
    cause = Finding("learning_rate_too_high", Severity.WARNING, "The rate is too high.", explains=("loss_not_finite",))
    text = findings_text([symptom, Finding("host_syncs", Severity.INFO, "Slow."), cause])
    assert text.startswith("warning: The rate is too high.") and "this also explains: The loss is NaN\n" in text
    assert text.index("hint: Slow.") > text.index("learning_rate_too_high") and "error:" not in text


def test_nothing_found_is_no_text() -> None:
    assert findings_text([]) == ""
    assert findings_text([Finding("r", Severity.INFO, "T.")]) == "hint: T.\n  r"


def test_hints_may_be_brief() -> None:
    hints = [Finding("a", Severity.INFO, "Half of the units are dead."), Finding("b", Severity.INFO, "Slow.")]
    assert findings_text(hints, brief_hints=True) == "hints: Half of the units are dead; Slow."


def test_the_line_of_code_and_the_repair_are_shown() -> None:
    text = finding_text(
        Finding(
            "missing_zero_grad",
            Severity.ERROR,
            "Gradients accumulate.",
            where=("train.py:2",),
            source_lines={"train.py:2": "loss.backward()"},
        )
    )
    assert "  train.py:2:  loss.backward()\n  repair: Call `optimizer.zero_grad()` before each" in text


def test_many_places_are_counted() -> None:
    finding = Finding("r", Severity.ERROR, "T.", where=tuple(f"fc{number}" for number in range(9)), step=3)
    assert "  r, first seen at step 3, in fc0, fc1, fc2, fc3, 5 more" in finding_text(finding)
