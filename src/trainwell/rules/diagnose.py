"""Run every rule over what was recorded and return the findings in the one order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity, in_order
from trainwell.core.signals import Signals
from trainwell.rules.catalogue import RULES
from trainwell.rules.examples import Rule


def diagnose(
    signals: Signals, facts: Facts, *, on_error: Callable[[str, Exception], object] | None = None
) -> list[Finding]:
    """Run every rule and return what they find.

    A rule that raises an error finds nothing: the error is ours, so it is no finding about the user's run, and it
    stops neither the other rules nor the training.

    `explains` of each finding is reduced to rules that also found something; that of a hint is emptied.

    Args:
        signals: what was recorded during training.
        facts: what was known before it.
        on_error: called with the name of each rule that raises an error, and the error.
    Returns:
        findings in the order of `trainwell.core.finding.in_order`, causes first; empty for a healthy run.

    >>> signals = Signals()
    >>> for step, loss in enumerate([2.3, 40.0, float("nan")]):
    ...     signals.add("loss/train", step, value=loss)
    >>> [(finding.rule, finding.explains) for finding in diagnose(signals, Facts(chance_loss=2.3))]
    [('learning_rate_too_high', ('loss_not_finite',)), ('loss_not_finite', ())]
    """
    applied = [_apply(rule, signals, facts=facts, on_error=on_error) for rule in RULES.values()]
    findings = [finding for finding in applied if finding is not None]
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


def _apply(
    rule: Rule, signals: Signals, *, facts: Facts, on_error: Callable[[str, Exception], object] | None
) -> Finding | None:
    try:
        return rule(signals, facts)
    except Exception as problem:
        if on_error is not None:
            on_error(rule.__name__, problem)
        return None
