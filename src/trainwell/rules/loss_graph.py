"""Findings of facts that the graph of the loss shows."""

from __future__ import annotations

from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import AFTER_INITIALISATION
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persists

READINGS = 2  # docs/references.md, T24: two different batches.


def seen_in_graph(
    signals: Signals,
    rule: str,
    *,
    title: str,
    severity: Severity = Severity.ERROR,
    evidence: str = "",
) -> Finding | None:
    """Return a finding if the graph of the loss has shown a fact in the newest two sampled batches.

    Args:
        signals: what was recorded; the fact is the series `code/<rule>`.
        rule: name of the rule.
        title: of the finding; `{value}` stands for the newest value of the series.
        severity: of the finding.
        evidence: what the value of the series is. Empty: the value says only that the fact was seen, and the evidence
            is the number of batches.
    """
    series = signals[f"code/{rule}"]
    value = persists(signals, f"code/{rule}", readings=READINGS)
    if value is None:
        return None
    return Finding(
        rule=rule,
        severity=severity,
        title=title.format(value=value),
        evidence={evidence: value} if evidence else {"batches_seen": float(len(series))},
        where=line_of(signals, "loss", "backward"),
        step=series.steps[0],
        explains=AFTER_INITIALISATION,
    )
