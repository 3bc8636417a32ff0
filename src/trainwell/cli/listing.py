"""trainwell list: a table of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, Runs, print_json

COLUMNS = ("name", "status", "score", "model", "task", "seconds", "created")


def list_runs(
    runs: Runs = Path("runs"),
    sort: Annotated[str, typer.Option(help="Sort by " + ", ".join(COLUMNS) + ".")] = "created",
    *,
    json: Json = False,
) -> None:
    """List runs and searches.

    The newest run comes first; failed ones have their reason.
    """
    from trainwell.core.catalogue import unknown_name
    from trainwell.core.errors import UsageError
    from trainwell.core.files import plain
    from trainwell.report.text.words import duration
    from trainwell.runs import list_runs as read_runs

    if sort not in COLUMNS:
        raise UsageError(unknown_name("column", sort, names=COLUMNS))
    found = read_runs(runs)
    if sort == "score":
        found.sort(key=lambda run: run.rank)
    else:
        found.sort(key=lambda run: run.to_json()[sort], reverse=sort in ("created", "seconds"))
    searches = sorted(plain(file.parent.name) for file in runs.glob("*/study.json"))
    if json:
        print_json({"runs": [run.to_json() for run in found], "searches": searches})
        return
    if searches:
        print(f"Searches: {', '.join(searches)}. Look at one with: trainwell report NAME")
    if not found and not searches:
        print(f"No runs in {runs}. Make one with: trainwell fit digits")
    if not found:
        return
    import sys

    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("run", "status", "score", "model", "time", "created", "why"):
        table.add_column(column, justify="right" if column in ("score", "time") else "left", overflow="fold")
    for run in found:
        score = "" if run.score.value is None else f"{run.score.name} {run.score.value:.4f}"
        cells = (run.name, run.status, score, run.model, duration(run.time.seconds), run.time.created[:16], run.reason)
        table.add_row(*(plain(cell).replace("[", r"\[") for cell in cells))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
