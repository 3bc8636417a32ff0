"""A finding is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from trainwell.core.finding import Finding, Severity


def test_a_finding_survives_json() -> None:
    finding = Finding(
        "rule",
        Severity.ERROR,
        "It broke.",
        evidence={"loss": 1e9},
        where=("fc1", "fc2"),
        step=3,
        explains=("other",),
        remedies=("lower_rate",),
    )
    assert Finding.from_json(finding.to_json()) == finding
    assert set(finding.to_json()) == {
        "rule", "severity", "title", "where", "step", "evidence", "explains", "remedies",
    }  # fmt: skip


def test_a_finding_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Finding("rule", Severity.INFO, "title").rule = "other"
