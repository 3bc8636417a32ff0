"""What a rule reports: a value with its evidence, its location and the repairs it recommends."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any


class Severity(enum.StrEnum):
    """How severe a finding is: `error` and `warning` are verdicts, `info` is a hint and never an alarm."""

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
        )
