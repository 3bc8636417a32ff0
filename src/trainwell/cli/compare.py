"""trainwell compare: the differences between two runs."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def compare(first: RunPath, second: RunPath, *, runs: Runs = Path("runs"), json: Json = False) -> None:
    """Compare two runs: settings and scores."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from trainwell.runs import compare as compare_runs

    found = compare_runs(find_run(first, runs), find_run(second, runs))
    if json:
        print_json(
            {
                "runs": list(found.names),
                "recipe": {key: list(pair) for key, pair in found.recipe.items()},
                "scores": {split: {k: list(pair) for k, pair in rows.items()} for split, rows in found.scores.items()},
            }
        )
        return
    console = Console()
    settings = Table("setting", *found.names, box=box.SIMPLE_HEAD, pad_edge=False)
    for key, (old, new) in found.recipe.items():
        settings.add_row(key, str(old).replace("[", r"\["), str(new).replace("[", r"\["))
    if found.recipe:
        console.print(settings)
    else:
        console.print("The recipes are equal.")
    scores = Table("score", *found.names, "difference", box=box.SIMPLE_HEAD, pad_edge=False)
    for split, rows in found.scores.items():
        for name, pair in rows.items():
            gap = found.difference(split, name)
            cells = ["" if value is None else f"{value:.4f}" for value in pair]
            scores.add_row(f"{split} {name}", *cells, "" if gap is None else f"{gap:+.4f}")
    console.print(scores)
