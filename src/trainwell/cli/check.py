"""trainwell check: tests of data and network before an hour of training is spent."""

from __future__ import annotations

from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, Target, json_line, print_json, print_text, read_settings
from trainwell.cli.streams import Streams
from trainwell.core import exit_codes


def check(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Data or recipe.toml, as for fit; or a script.py.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of the script, after --.")] = None,
    *,
    target: Target = None,
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Test data and network in seconds, before training.

    Works on copies. A script is run for its first 20 optimizer steps and then stopped. Exits with 3 if a finding is an
    error.
    """
    settings = read_settings(edits, target=target)
    if data.endswith(".py"):
        _check_script(data, arguments or [], settings=settings, json=json)
        return
    from trainwell.core.errors import UsageError
    from trainwell.doctor import check as run_checks
    from trainwell.report import check_text

    if arguments:
        raise UsageError(f"check takes one argument, got {data} and {arguments[0]}.")
    report = run_checks(data, edits=settings)
    print_text(check_text(report), to_stderr=json)
    if json:
        print_json(report.to_json())
    if not report.passed:
        raise typer.Exit(exit_codes.FINDINGS)


def _check_script(path: str, arguments: list[str], *, settings: dict[str, object], json: bool) -> None:
    from trainwell.core.errors import UsageError
    from trainwell.core.finding import Severity
    from trainwell.doctor import check_script
    from trainwell.report import findings_text, no_training
    from trainwell.report.text.words import capitalised, plural

    if settings:
        raise UsageError("A script has no trainwell settings: leave out --target and --set; give its own after --.")
    streams = Streams()
    seen = check_script(path, arguments)
    streams.print(f"\n{plural(seen.steps, 'optimizer step')} watched.")
    healthy = "No problems were found." if seen.steps else f"{capitalised(no_training(seen))}."
    streams.print(findings_text(seen.findings, brief_hints=True) or healthy, to_stderr=json)
    if json:
        data = {"checks": [], "predicted_seconds": None, "steps": seen.steps, **seen.to_json()}
        streams.print_last(json_line(data))
    has_errors = any(finding.severity is Severity.ERROR for finding in seen.findings)
    if seen.exit_code or has_errors:
        raise typer.Exit(seen.exit_code or exit_codes.FINDINGS)
