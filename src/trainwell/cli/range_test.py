"""trainwell range-test: find a learning rate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, print_json, read_edits, speak


def range_test(
    data: Annotated[str, typer.Argument(help="What you would give to fit.")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    model: Annotated[str | None, typer.Option(help="Architecture, e.g. mlp, lenet5, resnet20.")] = None,
    edits: Edits = None,
    steps: Annotated[int, typer.Option(help="Steps of each short run.")] = 140,
    seeds: Annotated[int, typer.Option(help="Short runs; their mean is read.")] = 3,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("range-test.svg"),
    json: Json = False,
) -> None:
    """Raise the rate step by step until the loss breaks, and suggest one with its safe band."""
    from trainwell.doctor import range_test as test
    from trainwell.fitting import gather, plan
    from trainwell.report.figures.trials import rate_figure
    from trainwell.report.html.gallery import write_figure

    given = {"data.target": target, "nn.model": model}
    changes = read_edits(edits) | {key: value for key, value in given.items() if value is not None}
    made = plan(gather(data, changes))
    found = test(made, steps=steps, seeds=seeds)
    write_figure(rate_figure(found), out, title=f"Range test on {data}")
    speak(found.verdict, aside=json)
    speak(f"  {found.reason}", aside=json)
    if found.suggested is not None:
        speak(f"  trainwell fit {data} --set optim.learning_rate={found.suggested:.2g}", aside=json)
    speak(f"  {out}", aside=json)
    if json:
        losses = [round(loss, 6) for loss in found.losses]
        print_json({**dataclasses.asdict(found), "losses": losses, "verdict": found.verdict, "figure": str(out)})
