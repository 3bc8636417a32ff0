"""trainwell predict: what a trained network says about new inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def predict(
    run: RunPath,
    inputs: Annotated[list[str], typer.Argument(help="Tables, pictures, folders, idx or .npz files.")],
    runs: Runs = Path("runs"),
    crops: Annotated[int, typer.Option(help="Pictures: average over 10 cuts, or 50 at five scales.")] = 1,
    json: Json = False,
) -> None:
    """Predict on new inputs, prepared exactly as in training; prints tab-separated lines or JSON."""
    from trainwell.core.files import plain
    from trainwell.fitting import open_run
    from trainwell.inference import predict as answer

    opened = open_run(find_run(run, runs))
    found = [answer(opened, source, crops=crops) for source in inputs]
    if json:
        print_json({"run": str(opened.path), "predictions": [row for part in found for row in part.to_json()]})
        return
    for part in found:
        confidence: Sequence[float | None] = part.confidence or [None] * len(part.values)
        for name, value, sure in zip(part.ids, part.values, confidence, strict=True):
            shown = f"{value:.6g}" if isinstance(value, float) else plain(str(value))
            print(f"{plain(name)}\t{shown}" + ("" if sure is None else f"\t{sure:.4f}"))
