"""From all findings to one verdict: causes first, their symptoms folded under them."""

from __future__ import annotations

import dataclasses

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.catalogue import RULES
from trainwell.rules.examples import Rule


def diagnose(signals: Signals, facts: Facts) -> list[Finding]:
    """Run every rule and order what they find.

    First come the causes, the gravest first and among equals the one earlier in the chain of causes; then the
    symptoms that a cause explains; last the hints. `explains` of each finding is narrowed to findings that are
    there. A hint explains nothing: it is no verdict and must not hide one.

    Args:
        signals: what was seen.
        facts: what is known.
    Returns:
        findings, best first; empty for a healthy run.

    >>> signals = Signals()
    >>> for step, loss in enumerate([2.3, 40.0, float("nan")]):
    ...     signals.add("loss/train", step, loss)
    >>> [(finding.rule, finding.explains) for finding in diagnose(signals, Facts(chance_loss=2.3))]
    [('learning_rate_too_high', ('loss_not_finite',)), ('loss_not_finite', ())]
    """
    findings = [finding for rule in RULES.values() if (finding := _ask(rule, signals, facts)) is not None]
    there = {finding.rule for finding in findings}
    narrowed = [
        dataclasses.replace(
            finding,
            explains=()
            if finding.severity is Severity.INFO
            else tuple(name for name in finding.explains if name in there),
        )
        for finding in findings
    ]
    return sorted(narrowed, key=lambda finding: _rank(finding, narrowed))


def _ask(rule: Rule, signals: Signals, facts: Facts) -> Finding | None:
    """Ask one rule; one that fails must neither silence the others nor reach the training."""
    try:
        return rule(signals, facts)
    except Exception as problem:
        title = f"The rule {rule.__name__} failed by itself, please report it: {type(problem).__name__}: {problem}"
        return Finding(rule.__name__, Severity.INFO, title)


def is_symptom(finding: Finding, findings: list[Finding]) -> bool:
    """Tell whether another finding explains this one."""
    return any(finding.rule in other.explains for other in findings)


def _rank(finding: Finding, findings: list[Finding]) -> tuple[bool, ...]:
    is_hint = finding.severity is Severity.INFO
    return is_hint, is_symptom(finding, findings), finding.severity is Severity.WARNING
