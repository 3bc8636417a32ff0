"""What is wrong with a run, from what it has recorded."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, in_order
from trainwell.core.signals import Signals
from trainwell.rules import RULES
from trainwell.rules import diagnose as judge
from trainwell.runs import Run


def diagnose(path: str | os.PathLike[str]) -> list[Finding]:
    """Judge a run by what it has recorded so far, during or after training.

    Args:
        path: the run's folder.
    Returns:
        findings in their one order, causes first: those of the rules, and those recorded before training, of the data.
    """
    run = Run.open(path)
    if "script" in run.meta and run.findings:
        return list(in_order(run.findings))  # of all its trainings; only the signals of the first can be judged again
    return list(current_findings(run.signals(), run.facts, recorded=run.findings))


def current_findings(signals: Signals, facts: Facts, *, recorded: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """Judge what has been recorded up to now.

    Args:
        signals: what was measured.
        facts: what was known before training.
        recorded: findings that were recorded; those of the rules are replaced by what the rules find now.
    """
    found = judge(signals, facts)
    other = [finding for finding in recorded if not _is_judged_again(finding, found)]
    return in_order([*other, *found])


def _is_judged_again(recorded: Finding, found: list[Finding]) -> bool:
    """Tell whether the rule of a recorded finding has just been run on the same signals.

    A finding under a former name is kept unless its rule found it again: its signals may have former names, too.
    """
    name = RULES.current(recorded.rule)
    return name in RULES if name == recorded.rule else name in {finding.rule for finding in found}


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain data for `--json`, where a number that is not finite becomes None.

    >>> from trainwell.core.finding import Severity
    >>> findings_json([Finding("r", Severity.INFO, "t", evidence={"loss": math.inf, "limit": 2.0})])[0]["evidence"]
    {'loss': None, 'limit': 2.0}
    """
    rows = [finding.to_json() for finding in findings]
    for row in rows:
        row["evidence"] = {name: value if math.isfinite(value) else None for name, value in row["evidence"].items()}
    return rows
