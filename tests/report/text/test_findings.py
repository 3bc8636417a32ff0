from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.report.text.findings import EvidenceRow, evidence_rows, folded, gravest_first


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


def finding(rule: str, severity: Severity = Severity.WARNING, *explains: str) -> Finding:
    return Finding(rule, severity, rule, explains=explains)


def test_errors_come_first_and_symptoms_last() -> None:
    found = [
        finding("hint", Severity.INFO),
        finding("cause", Severity.WARNING, "symptom"),
        finding("symptom", Severity.ERROR),
    ]
    assert [item.rule for item in gravest_first(found)] == ["cause", "symptom", "hint"]


def test_a_hint_hides_nothing() -> None:
    hint, error = finding("hint", Severity.INFO, "error"), finding("error", Severity.ERROR)
    assert folded([hint, error]) == [(error, ()), (hint, ())]


def test_a_symptom_is_shown_once_under_its_cause() -> None:
    cause, other, symptom = finding("cause", Severity.WARNING, "symptom"), finding("other"), finding("symptom")
    assert folded([symptom, other, cause]) == [(other, ()), (cause, (symptom,))]


def test_findings_that_explain_each_other_do_not_both_vanish() -> None:
    one, two = finding("one", Severity.ERROR, "two"), finding("two", Severity.WARNING, "one")
    assert folded([two, one]) == [(one, (two,))]
    alone = finding("self", Severity.ERROR, "self")
    assert folded([alone]) == [(alone, ())]


def test_a_chain_of_causes_loses_nothing() -> None:
    chain = [finding("a", Severity.WARNING, "b"), finding("b", Severity.WARNING, "c"), finding("c")]
    shown = [item.rule for top, under in folded(chain) for item in (top, *under)]
    assert sorted(shown) == ["a", "b", "c"]
