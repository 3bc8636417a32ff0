"""trainwell probe-layers: the accuracy of a linear classifier on the features of every depth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def probe_layers(
    run: RunPath,
    data: Annotated[str | None, typer.Argument(help="Other labelled data; none: the run's own.")] = None,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the figure here; default: in the run's folder.")
    ] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Fit a linear classifier on every layer's features."""
    from trainwell.fitting import open_run
    from trainwell.inference import probe_layers as probe
    from trainwell.report.html.explained import depths_figure
    from trainwell.report.html.gallery import write_figure

    opened = open_run(find_run(run, runs))
    found = probe(opened, data)
    path = output or opened.path / "probe-layers.svg"
    write_figure(depths_figure(found), path, title="A linear classifier at every depth")
    if json:
        return print_json(
            {
                "run": found.run,
                "data": found.data,
                "split": found.split,
                "chance": found.chance,
                "depths": [{"name": name, "accuracy": value} for name, value in found.accuracies.items()],
                "figure": str(path),
            }
        )
    width = max(6, *map(len, found.accuracies))
    for depth, (name, value) in enumerate(found.accuracies.items()):
        print(f"{depth:>3}  {name:<{width}}  {value:.3f}  {'#' * round(40 * value)}")
    print(f"     {'chance':<{width}}  {found.chance:.3f}\n{path}")
