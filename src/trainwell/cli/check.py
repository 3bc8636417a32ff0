"""trainwell check: data and network tested before an hour is spent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Edits, Json, json_line, print_json, read_edits, speak
from trainwell.cli.run import diagnosis, nothing_seen
from trainwell.cli.streams import Streams

if TYPE_CHECKING:
    from trainwell.doctor import Checkup
    from trainwell.doctor.preflight.subject import Reading

_TICKS = {"ok": "✓", "info": "✓", "warning": "!", "error": "✗", "not checked": "–"}


def check(
    data: Annotated[str, typer.Argument(help="What you would give to fit, data or a recipe.toml; or a script.py.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of the script, after --.")] = None,
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Test data and network in a few seconds, on copies, before training; leaves with 3 if there is an error.

    A script is run for its first 20 optimizer steps and then stopped.
    """
    changes = read_edits(edits) | ({"data.target": target} if target else {})
    if data.endswith(".py"):
        _check_script(data, arguments or [], changes=changes, json=json)
        return
    from trainwell.core.errors import UsageError
    from trainwell.doctor import check as examine

    if arguments:
        raise UsageError(f"check takes one thing at a time, got {data} and {arguments[0]}.")
    checkup = examine(data, edits=changes)
    speak(_text(checkup), aside=json)
    if json:
        print_json(checkup.to_json())
    if not checkup.passed:
        raise typer.Exit(3)


def _check_script(path: str, arguments: list[str], *, changes: dict[str, object], json: bool) -> None:
    from trainwell.core.errors import UsageError
    from trainwell.core.finding import Severity
    from trainwell.doctor import check_script

    if changes:
        raise UsageError("A script has no settings of ours: leave out --target and --set, and give its own after --.")
    streams, folder = Streams(), os.path.abspath(os.curdir)
    seen = check_script(path, arguments)
    streams.print(f"\n{seen.steps} optimizer steps were watched.")
    healthy = "No problems were found." if seen.steps else f"N{nothing_seen(seen)[1:]}."
    streams.print("\n\n".join(diagnosis(seen.findings, folder=folder)) or healthy, aside=json)
    if json:
        data = {"checks": [], "predicted_seconds": None, "steps": seen.steps, **seen.to_json()}
        streams.print_last(json_line(data))
    sick = any(finding.severity is Severity.ERROR for finding in seen.findings)
    if seen.exit_code or sick:
        raise typer.Exit(seen.exit_code or 3)


def _text(checkup: Checkup) -> str:
    from trainwell.report import findings_text
    from trainwell.report.text.words import duration, printable

    rows = [("", "test", "measured", "expected", "")]
    for check in checkup.checks:
        name = check.name.replace("_", " ")
        verdict = "hint" if check.verdict == "info" else check.verdict
        rows.append((_TICKS[check.verdict], name, _measured(check.reading), check.reading.expected, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"{check.name.replace('_', ' ')}: {printable(check.reading.note)}" for check in checkup.checks]
    lines += ["not checked: " + note for note, check in zip(notes, checkup.checks, strict=True) if check.passed is None]
    recipe, seconds = checkup.recipe, checkup.predicted_seconds
    plan = (
        f"The plan: {recipe.train.epochs:,} epochs in batches of {recipe.train.batch_size:,} with {recipe.optim.name}"
    )
    blocks = ["\n".join(lines), plan + (f", about {duration(seconds)}." if seconds is not None else ".")]
    return "\n\n".join([*blocks, findings_text(checkup.findings) or "No problems were found."])


def _measured(reading: Reading) -> str:
    from trainwell.report.text.words import duration, number

    if reading.measured is None:
        return ""
    if reading.unit == "seconds":
        return duration(reading.measured)
    if reading.unit == "bytes":
        return f"{reading.measured / 2**30:.3g} GiB"
    return number(reading.measured)
