"""A run in the terminal: plain text, at most 80 columns, no colour, nothing that could steer the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from trainwell.core.finding import Finding, Severity
from trainwell.report.html.page import REPORT
from trainwell.report.text.findings import evidence_rows, folded
from trainwell.report.text.repairs import cures
from trainwell.report.text.snapshot import Snapshot, snapshot
from trainwell.report.text.verdict import next_steps, verdict
from trainwell.report.text.words import aligned, number, printable, words
from trainwell.runs import Run

_WIDTH = 80
_SIGNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "hint"}


def summary(run: Run) -> str:
    """Write what a person should know at the end: verdict, scores, findings, where everything lies, what next."""
    return summary_text(snapshot(run))


def summary_text(shot: Snapshot) -> str:
    """Write the summary of a snapshot; see `summary`."""
    judged = verdict(shot)
    blocks = [f"{printable(shot.name)}: {judged.headline}", _wrap(judged.sentence, indent="  ")]
    if judged.notes:
        blocks.append("\n".join(_wrap(note, indent="  ") for note in judged.notes))
    if scores := _scores(shot):
        blocks.append(scores)
    if shot.findings:
        blocks.append(findings_text(shot.findings, recipe_text=shot.recipe))
    pairs = [("run", printable(shot.path))]
    if (shot.path / REPORT).exists():
        pairs.append(("report", printable(shot.path / REPORT)))
    pairs += next_steps(shot)
    blocks.append(_pairs(pairs))
    return "\n\n".join(blocks) + "\n"


def findings_text(findings: Sequence[Finding], *, recipe_text: str = "") -> str:
    """Write findings, gravest first: problem, place, evidence beside its limit, cures; symptoms under their cause.

    Args:
        findings: what was found.
        recipe_text: the run's recipe, TOML; with it cures say what they change.

    >>> print(findings_text([Finding("dead_units", Severity.WARNING, "Most units never fire.",
    ...     {"dead": 0.71, "dead_limit": 0.4}, ("fc1",), 36, (), ("clip_gradients",))], recipe_text="seed = 1"))
    warning: Most units never fire.
      dead_units, first seen at step 36, in fc1
      dead 0.71 (limit 0.4)
      try: Clip the gradient's norm at twice its median, or at 1 where that is
           unknown; halve a limit that is there.
           train.clip_norm 0 → 1
    """
    return "\n\n".join("\n".join(_finding(cause, symptoms, recipe_text)) for cause, symptoms in folded(findings))


def _finding(finding: Finding, symptoms: tuple[Finding, ...], recipe_text: str) -> Iterable[str]:
    yield _wrap(f"{_SIGNS[finding.severity]}: {printable(finding.title)}", indent="")
    places = ", ".join(printable(name) for name in finding.where[:4])
    more = f" and {len(finding.where) - 4} more" if len(finding.where) > 4 else ""
    seen = "" if finding.step is None else f", first seen at step {number(finding.step)}"
    yield _wrap(printable(finding.rule) + seen + (f", in {places}{more}" if places else ""), indent="  ")
    evidence = [
        f"{row.name} {number(row.value)}" + (f" (limit {row.limit})" if row.limit else "")
        for row in evidence_rows(finding)
    ]
    if evidence:
        yield _wrap(", ".join(evidence), indent="  ")
    most = 1 if finding.severity == Severity.INFO else 3
    for nth, cure in enumerate(cures(finding, recipe_text)[:most]):
        yield _wrap(printable(cure.title), indent="       " if nth else "  try: ", later=" " * 7)
        if cure.change:
            yield _wrap(printable(cure.change), indent=" " * 7)
    if symptoms:
        said = "; ".join(printable(symptom.title).rstrip(".") for symptom in symptoms)
        yield _wrap(f"this also explains: {said}", indent="  ")


def _scores(shot: Snapshot) -> str:
    splits = [split for split in ("train", "validation", "test") if shot.scores.get(split)]
    names = sorted({name for split in splits for name in shot.scores[split]}, key=lambda n: (n != shot.main_score, n))
    if not names:
        return ""
    rows = [["", *({"train": "training"}.get(split, split) for split in splits)]]
    rows += [[words(name), *aligned(shot.scores[split].get(name) for split in splits)] for name in names]
    return columns_text(rows)


def columns_text(rows: Sequence[Sequence[str]]) -> str:
    """Write rows below each other, the first column flush left, numbers flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Write names and values below each other; values are never broken, so that commands can be copied."""
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in pairs)


def _wrap(text: str, *, indent: str, later: str = "") -> str:
    later = later or indent or "  "
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
