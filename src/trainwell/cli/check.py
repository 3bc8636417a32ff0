"""trainwell check: data and network tested before an hour is spent."""

from __future__ import annotations

from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, json_line, print_json, read_edits, speak
from trainwell.cli.streams import Streams


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
    from trainwell.doctor import check as run_checks
    from trainwell.report import check_text

    if arguments:
        raise UsageError(f"check takes one argument, got {data} and {arguments[0]}.")
    report = run_checks(data, edits=changes)
    speak(check_text(report), aside=json)
    if json:
        print_json(report.to_json())
    if not report.passed:
        raise typer.Exit(3)


def _check_script(path: str, arguments: list[str], *, changes: dict[str, object], json: bool) -> None:
    from trainwell.core.errors import UsageError
    from trainwell.core.finding import Severity
    from trainwell.doctor import check_script
    from trainwell.report import findings_text, no_training
    from trainwell.report.text.words import capitalised, plural

    if changes:
        raise UsageError("A script has no settings of ours: leave out --target and --set, and give its own after --.")
    streams = Streams()
    seen = check_script(path, arguments)
    streams.print(f"\n{plural(seen.steps, 'optimizer step')} watched.")
    healthy = "No problems were found." if seen.steps else f"{capitalised(no_training(seen))}."
    streams.print(findings_text(seen.findings, brief_hints=True) or healthy, aside=json)
    if json:
        data = {"checks": [], "predicted_seconds": None, "steps": seen.steps, **seen.to_json()}
        streams.print_last(json_line(data))
    has_errors = any(finding.severity is Severity.ERROR for finding in seen.findings)
    if seen.exit_code or has_errors:
        raise typer.Exit(seen.exit_code or 3)
