"""Findings made readable: each number beside its limit, each symptom under its cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from trainwell.core.finding import Finding, Severity
from trainwell.report.text.words import number, words

_LIMIT = re.compile(r"(?:(.+?)_)?(?:(low|high)_)?(?:limit|threshold)")


class EvidenceRow(NamedTuple):
    """One number of a finding, with the limit it is judged by; the limit is empty where there is none."""

    name: str
    value: float
    limit: str = ""


def evidence_rows(finding: Finding) -> list[EvidenceRow]:
    """Pair the numbers of a finding with their limits: `x_limit`, or `x_low_limit` and `x_high_limit`, belong to `x`.

    >>> evidence_rows(Finding("r", Severity.INFO, "t", evidence={"dead": 0.8, "dead_limit": 0.5}))
    [EvidenceRow(name='dead', value=0.8, limit='0.5')]
    """
    values: dict[str, float] = {}
    limits: dict[str, dict[str, float]] = {}
    for key, value in finding.evidence.items():
        if match := _LIMIT.fullmatch(key):
            limits.setdefault(match[1] or "", {})[match[2] or ""] = value
        else:
            values[key] = value
    rows = [EvidenceRow(words(key), value, _said(limits.pop(key, {}))) for key, value in values.items()]
    for key, ends in limits.items():
        rows += [EvidenceRow(f"{words(key)} limit".strip(), value) for value in ends.values()]
    return rows


def _said(ends: dict[str, float]) -> str:
    """Write what a value is compared with: one number, or the range that is sound."""
    if "low" in ends and "high" in ends:
        return f"{number(ends['low'])} to {number(ends['high'])}"
    return " ".join(
        {"low": "at least ", "high": "at most "}.get(end, "") + number(value) for end, value in ends.items()
    )


def gravest_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort findings: verdicts before hints, causes before their symptoms, errors before warnings."""
    explained = {rule for finding in findings if finding.severity != Severity.INFO for rule in finding.explains}

    def rank(finding: Finding) -> tuple[bool, bool, bool]:
        severity = finding.severity
        return severity == Severity.INFO, finding.rule in explained, severity == Severity.WARNING

    return tuple(sorted(findings, key=rank))


def folded(findings: Sequence[Finding]) -> list[tuple[Finding, tuple[Finding, ...]]]:
    """Put each symptom under the first cause that explains it; a hint is no verdict and hides nothing.

    >>> cause = Finding("rate_high", Severity.WARNING, "The rate is too high.", explains=("loss_rises",))
    >>> symptom = Finding("loss_rises", Severity.ERROR, "The loss rises.")
    >>> [(a.rule, [b.rule for b in under]) for a, under in folded([symptom, cause])]
    [('rate_high', ['loss_rises'])]
    """
    ordered = gravest_first(findings)
    top_of: dict[str, str] = {}
    for finding in ordered:
        if finding.severity != Severity.INFO:
            # What a symptom explains belongs to the symptom's own cause; nobody ends up under himself.
            top = top_of.get(finding.rule, finding.rule)
            for rule in finding.explains:
                if rule != top:
                    top_of.setdefault(rule, top)
    tops = [finding for finding in ordered if finding.rule not in top_of]
    return [(top, tuple(finding for finding in ordered if top_of.get(finding.rule) == top.rule)) for top in tops]
