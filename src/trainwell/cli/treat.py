"""trainwell treat: try repairs, and keep those that improve the score significantly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, Runs, Target, find_run, print_json, print_text, read_settings


def treat(
    subject: Annotated[str, typer.Argument(help="A run, a recipe.toml, or data.", metavar="RUN")],
    target: Target = None,
    *,
    edits: Edits = None,
    runs: Runs = Path("runs"),
    seeds: Annotated[int, typer.Option(help="Set the number of new random seeds for confirmation.")] = 5,
    trials: Annotated[int, typer.Option(help="Limit the number of sets of repairs to try.")] = 30,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the repaired recipe here.")] = None,
    json: Json = False,
) -> None:
    """Try repairs in short trainings; keep those that help.

    Only repairs that improve the score significantly are kept. Writes the repaired recipe.
    """
    from trainwell.doctor import treat as find_repairs
    from trainwell.report import treatment_text

    changes = read_settings(edits, target=target)
    path = find_run(subject, runs)
    treatment = find_repairs(
        path, edits=changes, seeds=seeds, trials=trials, out=output, say=lambda text: print_text(text, to_stderr=True)
    )
    print_text(treatment_text(treatment), to_stderr=json)
    if json:
        print_json(treatment.to_json())
