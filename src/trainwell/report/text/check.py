"""The result of `trainwell check` as text for the terminal: a table of checks, the plan, the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwell.recipe import to_toml
from trainwell.report.text.findings import findings_text
from trainwell.report.text.layout import wrapped
from trainwell.report.text.words import SEVERITIES, duration, number, printable, words

if TYPE_CHECKING:
    from trainwell.doctor import CheckReport
    from trainwell.doctor.preflight.subject import CheckResult

_TICKS = {"ok": "✓", "info": "✓", "warning": "!", "error": "✗", "not checked": "–"}


def check_text(report: CheckReport) -> str:
    """Write every check with what it measured and expected, what would be trained, and what is wrong."""
    recipe = report.recipe
    train = recipe.train
    plan = f"The plan: {train.epochs:,} epochs in batches of {train.batch_size:,} with {recipe.optim.name}"
    if report.predicted_seconds is not None:
        plan += f", about {duration(report.predicted_seconds)}"
    findings = findings_text(report.findings, recipe_text=to_toml(recipe)) or "No problems were found."
    return "\n\n".join([_table(report), f"{plan}.", findings])


def _table(report: CheckReport) -> str:
    rows = [("", "check", "measured", "expected", "")]
    for check in report.checks:
        verdict = SEVERITIES.get(check.verdict, check.verdict)
        measured = _measured(check.result)
        rows.append((_TICKS[check.verdict], words(check.name), measured, check.result.expected, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for check in report.checks:
        if check.passed is None:
            lines.append(wrapped(f"not checked: {words(check.name)}: {printable(check.result.note)}"))
    return "\n".join(lines)


def _measured(result: CheckResult) -> str:
    if result.measured is None:
        return ""
    if result.unit == "seconds":
        return duration(result.measured)
    if result.unit == "bytes":
        return f"{result.measured / 2**30:.3g} GiB"
    return number(result.measured)
