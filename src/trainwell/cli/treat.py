"""trainwell treat: try repairs, and keep those that improve the score significantly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, Runs, find_run, print_json, read_edits, speak


def treat(
    subject: Annotated[str, typer.Argument(help="A run, its name in --runs, a recipe.toml or data.", metavar="RUN")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    edits: Edits = None,
    runs: Runs = Path("runs"),
    seeds: Annotated[int, typer.Option(help="New seeds for the comparison with no change.")] = 5,
    trials: Annotated[int, typer.Option(help="Largest number of sets of repairs to try.")] = 30,
    out: Annotated[Path | None, typer.Option(help="File for the repaired recipe.")] = None,
    json: Json = False,
) -> None:
    """Try repairs in short trainings, keep those that help significantly, write the repaired recipe."""
    from trainwell.doctor import treat as find_repairs
    from trainwell.report import treatment_text

    changes = read_edits(edits) | ({"data.target": target} if target else {})
    path = find_run(subject, runs)
    treatment = find_repairs(
        path, edits=changes, seeds=seeds, trials=trials, out=out, say=lambda text: speak(text, aside=True)
    )
    speak(treatment_text(treatment), aside=json)
    if json:
        print_json(treatment.to_json())
