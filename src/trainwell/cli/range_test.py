"""trainwell range-test: find a learning rate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import (
    BatchSize,
    Data,
    Edits,
    Json,
    Model,
    Optimizer,
    Target,
    print_json,
    print_text,
    read_settings,
)


def range_test(
    data: Data,
    target: Target = None,
    *,
    model: Model = None,
    optimizer: Optimizer = None,
    batch_size: BatchSize = None,
    edits: Edits = None,
    steps: Annotated[int, typer.Option(help="Set the number of steps of each short run.")] = 140,
    seeds: Annotated[int, typer.Option(help="Set the number of short runs to average.")] = 3,
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the figure here.")] = Path("range-test.svg"),
    json: Json = False,
) -> None:
    """Find a learning rate by raising it until it diverges.

    Suggests a learning rate, and the range in which training is stable.
    """
    from trainwell.doctor import range_test as run_test
    from trainwell.fitting import gather, plan
    from trainwell.report.figures.trials import rate_figure
    from trainwell.report.html.gallery import write_figure

    settings = read_settings(edits, target=target, model=model, optimizer=optimizer, batch_size=batch_size)
    found = run_test(plan(gather(data, settings)), steps=steps, seeds=seeds)
    write_figure(rate_figure(found), output, title=f"Range test on {data}")
    print_text(found.verdict, to_stderr=json)
    print_text(f"  {found.reason}", to_stderr=json)
    if found.suggested is not None:
        print_text(f"  trainwell fit {data} --lr {found.suggested:.2g}", to_stderr=json)
    print_text(f"  {output}", to_stderr=json)
    if json:
        losses = [round(loss, 6) for loss in found.losses]
        print_json({**dataclasses.asdict(found), "losses": losses, "verdict": found.verdict, "figure": str(output)})
