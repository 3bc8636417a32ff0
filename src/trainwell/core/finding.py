"""What a rule reports: a value with evidence and repairs; and the one order in which findings are read.

The order, used by rules, monitor, report and page alike (`in_order`):

1. errors and warnings before hints;
2. causes before the symptoms they explain, however long the chain is;
3. errors before warnings;
4. then the order given. Rules give their findings in the order of their catalogue, which runs from causes to symptoms.

Point 2 stands above point 3: a warning that explains an error comes before it, and a symptom comes after the causes of
all other problems. A hint explains nothing: it is no verdict and must not hide one. The step does not count: many rules
state what holds from step 0, so ordering by the step would put "no better than chance" before its cause. (Measured on
the fault bench with one seed: the right rule came first in 203 of 203 runs by catalogue, in 202 by step.)
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any


class Severity(enum.StrEnum):
    """How severe a finding is: `error` and `warning` are problems, `info` is a hint and never an alarm."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One problem of a run, as a value that can be compared, stored and shown.

    Everything after the title is keyword-only.

    Args:
        rule: name of the rule that found it, e.g. "dead_units".
        severity: `error`, `warning` or `info`.
        title: one sentence a newcomer understands.
        evidence: the numbers, with the threshold beside each.
        where: layers or files, worst first.
        step: first step at which it held.
        explains: names of the symptoms (rules) this cause accounts for; the report folds them under it.
        remedies: names of repairs, best first.
        source_lines: the user's own lines of code among `where`, "train.py:57" to the text of the line.

    >>> Finding("loss_not_finite", Severity.ERROR, "The loss became NaN.", evidence={"step": 7.0}, step=7).step
    7
    """

    rule: str
    severity: Severity
    title: str
    _: KW_ONLY
    evidence: Mapping[str, float] = field(default_factory=dict)
    where: tuple[str, ...] = ()
    step: int | None = None
    explains: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    source_lines: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data, in the shape `--json` prints."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "title": self.title,
            "where": list(self.where),
            "step": self.step,
            "evidence": dict(self.evidence),
            "explains": list(self.explains),
            "remedies": list(self.remedies),
            "source_lines": dict(self.source_lines),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_json` wrote.

        >>> finding = Finding("r", Severity.INFO, "t", evidence={"a": 1.0}, where=("fc1",), step=3)
        >>> Finding.from_json(finding.to_json()) == finding
        True
        """
        return cls(
            rule=data["rule"],
            severity=Severity(data["severity"]),
            title=data["title"],
            evidence=dict(data["evidence"]),
            where=tuple(data["where"]),
            step=data["step"],
            explains=tuple(data["explains"]),
            remedies=tuple(data["remedies"]),
            source_lines=dict(data.get("source_lines", {})),  # absent in runs of version 0.1
        )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order in which a person should read them; the module's docstring states the law.

    Args:
        findings: in the order of the rules' catalogue, which decides between equals.

    >>> symptom = Finding("loss_not_finite", Severity.ERROR, "The loss is NaN.")
    >>> cause = Finding("learning_rate_too_high", Severity.WARNING, "Too high.", explains=("loss_not_finite",))
    >>> hint = Finding("host_syncs", Severity.INFO, "Slow.")
    >>> [finding.rule for finding in in_order([hint, symptom, cause])]
    ['learning_rate_too_high', 'loss_not_finite', 'host_syncs']
    """
    given = sorted(findings, key=lambda finding: list(Severity).index(finding.severity))
    waiting = [finding for finding in given if finding.severity is not Severity.INFO]
    ordered: list[Finding] = []
    while waiting:
        ready = [finding for finding in waiting if not is_symptom(finding, waiting)]
        if (
            not ready
        ):  # they explain each other in a circle: the most severe of those that explain anything is the cause
            ready = [next(one for one in waiting if any(_explains(one, other) for other in waiting))]
        ordered += ready
        waiting = [finding for finding in waiting if not any(finding is one for one in ready)]
    return (*ordered, *(finding for finding in given if finding.severity is Severity.INFO))


def is_symptom(finding: Finding, findings: Iterable[Finding]) -> bool:
    """Tell whether one of the findings explains this one; a hint explains nothing."""
    return any(_explains(other, finding) for other in findings)


def folded(findings: Iterable[Finding]) -> list[tuple[Finding, tuple[Finding, ...]]]:
    """Put each symptom under its first cause: (cause, its symptoms) pairs, both in the one order.

    What a symptom explains in turn goes under the same cause. The problems of a run are the causes that are not hints.

    >>> cause = Finding("learning_rate_too_high", Severity.WARNING, "Too high.", explains=("loss_not_finite",))
    >>> symptom = Finding("loss_not_finite", Severity.ERROR, "The loss is NaN.")
    >>> [(one.rule, [other.rule for other in under]) for one, under in folded([symptom, cause])]
    [('learning_rate_too_high', ['loss_not_finite'])]
    """
    ordered = in_order(findings)
    causes: list[int] = []  # of each finding, the place of the cause it stands under: its own place if it has none
    for place, finding in enumerate(ordered):
        first = next((above for above in range(place) if _explains(ordered[above], finding)), None)
        causes.append(place if first is None else causes[first])
    return [
        (finding, tuple(other for at, other in enumerate(ordered) if causes[at] == place != at))
        for place, finding in enumerate(ordered)
        if causes[place] == place
    ]


def problems(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the problems of a run, in order: errors and warnings that no other one explains.

    >>> problems([Finding("host_syncs", Severity.INFO, "Slow.")])
    ()
    """
    return tuple(cause for cause, _ in folded(findings) if cause.severity is not Severity.INFO)


def _explains(cause: Finding, finding: Finding) -> bool:
    return cause.severity is not Severity.INFO and finding.rule in cause.explains and finding.rule != cause.rule
