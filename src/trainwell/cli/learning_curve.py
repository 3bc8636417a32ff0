"""trainwell learning-curve: would more data help?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Data, Edits, Epochs, Json, Model, Target, print_json, print_text, read_settings


def learning_curve(
    data: Data,
    target: Target = None,
    *,
    model: Model = None,
    edits: Edits = None,
    epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Set the number of trainings on each size.")] = 2,
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the figure here.")] = Path("learning-curve.svg"),
    json: Json = False,
) -> None:
    """Train on subsets; extrapolate the error to more data."""
    from trainwell.doctor import learning_curve as measure
    from trainwell.fitting import gather, plan
    from trainwell.report.figures.trials import learning_figure
    from trainwell.report.html.gallery import write_figure

    made = plan(gather(data, read_settings(edits, target=target, model=model)))
    found = measure(made, epochs=epochs, seeds=seeds, say=lambda text: print_text(text, to_stderr=json))
    write_figure(learning_figure(found), output, title=f"Learning curve on {data}")
    print_text(found.verdict, to_stderr=json)
    print_text(f"  {output}", to_stderr=json)
    if json:
        print_json(found.to_json() | {"figure": str(output)})
