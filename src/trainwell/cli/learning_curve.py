"""trainwell learning-curve: would more data help?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, print_json, read_edits, speak


def learning_curve(
    data: Annotated[str, typer.Argument(help="What you would give to fit.")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    model: Annotated[str | None, typer.Option(help="Architecture, e.g. mlp, lenet5, resnet20.")] = None,
    edits: Edits = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over all of the training split.")] = None,
    seeds: Annotated[int, typer.Option(help="Trainings for each size.")] = 2,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("learning-curve.svg"),
    json: Json = False,
) -> None:
    """Train on subsets of the data, and extrapolate the error to more data."""
    from trainwell.doctor import learning_curve as measure
    from trainwell.fitting import gather, plan
    from trainwell.report.figures.trials import learning_figure
    from trainwell.report.html.gallery import write_figure

    given = {"data.target": target, "nn.model": model}
    changes = read_edits(edits) | {key: value for key, value in given.items() if value is not None}
    made = plan(gather(data, changes))
    found = measure(made, epochs=epochs, seeds=seeds, say=lambda text: speak(text, aside=json))
    write_figure(learning_figure(found), out, title=f"Learning curve on {data}")
    speak(found.verdict, aside=json)
    speak(f"  {out}", aside=json)
    if json:
        print_json(found.to_json() | {"figure": str(out)})
