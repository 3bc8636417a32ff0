"""trainwell show-batch: a picture of exactly what the network sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, Runs, find_run, print_json, read_edits, speak


def show_batch(
    data: Annotated[str, typer.Argument(help="What you would give to fit, a recipe.toml, or a run.")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    step: Annotated[int, typer.Option(help="Which step of training, from 0.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the picture.")] = Path("batch.png"),
    runs: Runs = Path("runs"),
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Write a PNG of one batch as the network gets it, prepared and augmented, with its labels."""
    from trainwell.inspect import glance
    from trainwell.report import write_batch

    found = find_run(data, runs)
    source = str(found) if (found / "recipe.toml").is_file() else data
    seen = glance(source, read_edits(edits) | ({"data.target": target} if target else {}), step=step)
    inputs = seen.inputs.float().numpy()
    least, mean, spread, most = float(inputs.min()), float(inputs.mean()), float(inputs.std()), float(inputs.max())
    shape = " x ".join(map(str, inputs.shape[1:]))
    title = f"step {step}: {len(inputs)} of {shape}, mean {mean:.3g}, deviation {spread:.3g}, {least:.3g} to {most:.3g}"
    write_batch(output, seen.views(), seen.labels, names=seen.preparation.feature_names, title=title)
    speak(f"{title}\nThe picture: {output}", aside=json)
    if json:
        numbers = {"mean": mean, "deviation": spread, "least": least, "greatest": most}
        print_json(
            {"picture": str(output), "step": step, "shape": list(inputs.shape), **numbers, "labels": seen.labels}
        )
