"""What was seen in one process, as plain data that other processes can read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, in_order
from trainwell.core.signals import Signals


@dataclass(frozen=True)
class Report:
    """What was seen in one process.

    Args:
        findings: what is wrong, causes first.
        signals: those of the first training.
        facts: what is known of it; None if there was none.
        steps: optimizer steps.
        overhead_fraction: time spent on watching over the time spent on everything else.
        watch_seconds: time spent on watching.
    """

    findings: tuple[Finding, ...] = ()
    signals: Signals = field(default_factory=Signals)
    facts: Facts | None = None
    steps: int = 0
    overhead_fraction: float = 0.0
    watch_seconds: float = 0.0


def merged(reports: Sequence[Report]) -> Report:
    """Return the report with the most steps, with the findings of all: one of each rule, causes first."""
    first = max(reports, key=lambda report: report.steps)
    found: dict[str, Finding] = {}
    for finding in [*first.findings, *(finding for report in reports for finding in report.findings)]:
        found.setdefault(finding.rule, finding)
    return dataclasses.replace(first, findings=in_order(found.values()))
