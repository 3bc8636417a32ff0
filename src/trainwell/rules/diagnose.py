"""Run every rule over what was recorded and return the findings in the one order."""

from __future__ import annotations

import dataclasses

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity, in_order
from trainwell.core.signals import Signals
from trainwell.rules.catalogue import RULES
from trainwell.rules.examples import Rule


def diagnose(signals: Signals, facts: Facts) -> list[Finding]:
    """Run every rule and return what they find.

    `explains` of each finding is reduced to rules that also found something; that of a hint is emptied.

    Args:
        signals: what was recorded during training.
        facts: what was known before it.
    Returns:
        findings in the order of `trainwell.core.finding.in_order`, causes first; empty for a healthy run.

    >>> signals = Signals()
    >>> for step, loss in enumerate([2.3, 40.0, float("nan")]):
    ...     signals.add("loss/train", step, loss)
    >>> [(finding.rule, finding.explains) for finding in diagnose(signals, Facts(chance_loss=2.3))]
    [('learning_rate_too_high', ('loss_not_finite',)), ('loss_not_finite', ())]
    """
    findings = [finding for rule in RULES.values() if (finding := _apply(rule, signals, facts)) is not None]
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
    return list(in_order(narrowed))


def _apply(rule: Rule, signals: Signals, facts: Facts) -> Finding | None:
    """Apply one rule; an error inside it becomes a hint, so that it stops neither the other rules nor the training."""
    try:
        return rule(signals, facts)
    except Exception as problem:
        title = f"The rule {rule.__name__} raised an error, please report it: {type(problem).__name__}: {problem}"
        return Finding(rule.__name__, Severity.INFO, title)
