"""Findings in words: the one place where the terminal's text of a finding is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainwell.core.finding import Finding, Severity, folded
from trainwell.report.text.layout import wrapped
from trainwell.report.text.repairs import RepairText, repair_texts
from trainwell.report.text.words import SEVERITIES, number, printable, words

_LIMIT = re.compile(r"(?:(.+?)_)?(?:(low|high)_)?(?:limit|threshold)")
_MOST_PLACES = 4
_MOST_REPAIRS = 3


class EvidenceRow(NamedTuple):
    """One number of a finding, with the limit it is compared with; the limit is empty where there is none."""

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
    rows = [EvidenceRow(words(key), value, _limit_text(limits.pop(key, {}))) for key, value in values.items()]
    for key, ends in limits.items():
        rows += [EvidenceRow(f"{words(key)} limit".strip(), value) for value in ends.values()]
    return rows


def _limit_text(ends: dict[str, float]) -> str:
    """Write what a value is compared with: one number, or the range of good values."""
    if "low" in ends and "high" in ends:
        return f"{number(ends['low'])} to {number(ends['high'])}"
    return " ".join(
        {"low": "at least ", "high": "at most "}.get(end, "") + number(value) for end, value in ends.items()
    )


class FindingPlace(NamedTuple):
    """When and where a finding was seen, in words.

    Args:
        since: "first seen at step 36", or empty.
        places: layers or files, the first few.
        source_lines: (place, text) of the user's lines of code.
    """

    since: str
    places: tuple[str, ...]
    source_lines: tuple[tuple[str, str], ...]


class FindingParts(NamedTuple):
    """Everything that is shown of a finding, in words: terminal, report and live page write the same parts.

    Args:
        severity: "error", "warning" or "hint".
        title: the problem.
        rule: name of the rule.
        place: when and where it was seen.
        evidence: numbers with their limits.
        repairs: what to do, best first.
        symptoms: titles of what the finding explains.
    """

    severity: str
    title: str
    rule: str
    place: FindingPlace
    evidence: tuple[tuple[str, str, str], ...]
    repairs: tuple[RepairText, ...]
    symptoms: tuple[str, ...]


def finding_parts(finding: Finding, symptoms: Sequence[Finding] = (), *, recipe_text: str = "") -> FindingParts:
    """Put a finding into words.

    Args:
        finding: the cause.
        symptoms: what it explains.
        recipe_text: the run's recipe, TOML; with it repairs say what they change.

    >>> finding_parts(Finding("host_syncs", Severity.INFO, "Slow.", step=3, where=("train.py:9",))).place.since
    'first seen at step 3'
    """
    places = [printable(place) for place in finding.where[:_MOST_PLACES]]
    if len(finding.where) > _MOST_PLACES:
        places.append(f"{len(finding.where) - _MOST_PLACES:,} more")
    most = 1 if finding.severity is Severity.INFO else _MOST_REPAIRS
    repairs = repair_texts(finding, recipe_text=recipe_text)[:most]
    return FindingParts(
        severity=SEVERITIES[finding.severity],
        title=printable(finding.title),
        rule=printable(finding.rule),
        place=FindingPlace(
            since="" if finding.step is None else f"first seen at step {number(finding.step)}",
            places=tuple(places),
            source_lines=tuple((printable(at), printable(line)) for at, line in finding.source_lines.items()),
        ),
        evidence=tuple((row.name, number(row.value), row.limit) for row in evidence_rows(finding)),
        repairs=tuple(RepairText(printable(one.title), printable(one.change), one.options) for one in repairs),
        symptoms=tuple(printable(symptom.title) for symptom in symptoms),
    )


def findings_text(findings: Sequence[Finding], *, recipe_text: str = "", brief_hints: bool = False) -> str:
    """Write findings in their one order, each cause with the symptoms it explains; empty if there are none.

    Args:
        findings: everything that was found.
        recipe_text: the run's recipe, TOML; with it repairs say what they change.
        brief_hints: of hints, write only the titles, in one line.
    """
    blocks: list[str] = []
    hints: list[str] = []
    for cause, symptoms in folded(findings):
        if brief_hints and cause.severity is Severity.INFO:
            hints.append(printable(cause.title).rstrip("."))
        else:
            blocks.append(finding_text(cause, symptoms, recipe_text=recipe_text))
    if hints:
        blocks.append(wrapped(f"hints: {'; '.join(hints)}."))
    return "\n\n".join(blocks)


def finding_text(finding: Finding, symptoms: Sequence[Finding] = (), *, recipe_text: str = "") -> str:
    """Write one finding: problem, place, evidence with limits, the user's lines of code, repairs and symptoms.

    Args:
        finding: the cause.
        symptoms: what it explains.
        recipe_text: the run's recipe, TOML; with it repairs say what they change.

    >>> print(finding_text(Finding("dead_units", Severity.WARNING, "71 % of the units of fc1 are always zero.",
    ...     evidence={"dead": 0.71, "dead_limit": 0.4}, where=("fc1",), step=36, remedies=("clip_gradients",)),
    ...     recipe_text="seed = 1"))
    warning: 71 % of the units of fc1 are always zero.
      dead_units, first seen at step 36, in fc1
      dead 0.71 (limit 0.4)
      repair: Clip the gradient norm at twice its median, or at 1 if that is unknown;
              halve an existing limit.
              train.clip_norm 0 → 1
    """
    return "\n".join(_lines(finding_parts(finding, symptoms, recipe_text=recipe_text)))


def _lines(parts: FindingParts) -> Iterator[str]:
    yield wrapped(f"{parts.severity}: {parts.title}")
    where = [f"in {', '.join(parts.place.places)}"] if parts.place.places else []
    yield wrapped(", ".join([parts.rule, *([parts.place.since] if parts.place.since else []), *where]), indent="  ")
    if parts.evidence:
        numbers = [f"{name} {value}" + (f" (limit {limit})" if limit else "") for name, value, limit in parts.evidence]
        yield wrapped(", ".join(numbers), indent="  ")
    for place, line in parts.place.source_lines:
        yield f"  {place}:  {line}"
    for nth, repair in enumerate(parts.repairs):
        yield wrapped(repair.title, indent="      or: " if nth else "  repair: ", later=" " * 10)
        if repair.change:
            yield wrapped(repair.change, indent=" " * 10)
    if parts.symptoms:
        titles = "; ".join(title.rstrip(".") for title in parts.symptoms)
        yield wrapped(f"this also explains: {titles}", indent="  ")
