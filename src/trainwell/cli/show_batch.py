"""trainwell show-batch: an image of exactly what the network receives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Data, Edits, Json, Runs, Target, find_run, print_json, print_text, read_settings


def show_batch(
    data: Data,
    target: Target = None,
    *,
    step: Annotated[int, typer.Option(help="Show the batch of this step, from 0.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the image here.")] = Path("batch.png"),
    runs: Runs = Path("runs"),
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Draw one batch as the network receives it.

    Preprocessed and augmented, with its labels. DATA may be a run too.
    """
    from trainwell.inspect import preview_batch
    from trainwell.report import write_batch

    found = find_run(data, runs)
    source = str(found) if (found / "recipe.toml").is_file() else data
    batch = preview_batch(source, read_settings(edits, target=target), step=step)
    inputs = batch.inputs.float().numpy()
    least = float(inputs.min())
    mean = float(inputs.mean())
    spread = float(inputs.std())
    most = float(inputs.max())
    shape = " x ".join(map(str, inputs.shape[1:]))
    title = f"step {step}: {len(inputs)} of {shape}, mean {mean:.3g}, deviation {spread:.3g}, {least:.3g} to {most:.3g}"
    write_batch(output, batch.views(), labels=batch.labels, names=batch.preparation.feature_names, title=title)
    print_text(f"{title}\nThe image: {output}", to_stderr=json)
    if json:
        numbers = {"mean": mean, "deviation": spread, "least": least, "greatest": most}
        print_json({"image": str(output), "step": step, "shape": list(inputs.shape), **numbers, "labels": batch.labels})
