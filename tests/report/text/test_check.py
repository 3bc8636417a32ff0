from __future__ import annotations

from trainwell.core.finding import Finding, Severity
from trainwell.doctor import Check, CheckReport
from trainwell.doctor.preflight.subject import CheckResult
from trainwell.recipe import Recipe
from trainwell.report.text.check import check_text

FINDING = Finding("memory_too_small", Severity.ERROR, "Training needs more memory.", remedies=("lower_rate",))
CHECKS = (
    Check("units_differ", "Units differ.", CheckResult(0, "0 layers")),
    Check("memory_suffices", "It fits.", CheckResult(3 * 2**30, "at most 1 GiB", (FINDING,), unit="bytes")),
    Check("initial_loss", "Loss.", CheckResult(None, "", note="no chance loss")),
    Check("time_is_known", "Time.", CheckResult(75.0, "", unit="seconds")),
)


def test_every_check_is_a_row_with_its_unit_and_verdict() -> None:
    text = check_text(CheckReport(CHECKS, Recipe()))
    rows = {line.split("  ")[1].strip(): line for line in text.splitlines()[1:5]}
    assert rows["units differ"].startswith("✓") and rows["units differ"].endswith("ok")
    assert rows["memory suffices"].startswith("✗") and "3 GiB" in rows["memory suffices"]
    assert rows["initial loss"].startswith("–") and "not checked: initial loss: no chance loss" in text
    assert "1 min 15 s" in rows["time is known"] and "with adamw, about 1 min 15 s." in text


def test_findings_come_with_what_their_repair_changes() -> None:
    text = check_text(CheckReport(CHECKS, Recipe()))
    assert "error: Training needs more memory." in text and "optim.learning_rate 0.001 → " in text
    assert check_text(CheckReport(CHECKS[:1], Recipe())).endswith("No problems were found.")
