"""trainwell predict: predictions of a trained network on new inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json

if TYPE_CHECKING:
    from trainwell.inference.predict import Predicted


def predict(
    run: RunPath,
    inputs: Annotated[list[str], typer.Argument(help="Tables, images, folders, IDX or .npz files.")],
    *,
    runs: Runs = Path("runs"),
    crops: Annotated[int, typer.Option(help="Average over 10 crops of an image, or 50 at five scales.")] = 1,
    json: Json = False,
) -> None:
    """Predict on new inputs, preprocessed as in training.

    Prints a line for each input: its name, the prediction and the confidence, separated by tabs.
    """
    from trainwell.fitting import open_run
    from trainwell.inference import predict as predict_with

    opened = open_run(find_run(run, runs))
    found = [predict_with(opened, source, crops=crops) for source in inputs]
    if json:
        print_json({"run": str(opened.path), "predictions": [row for part in found for row in part.to_json()]})
        return
    for part in found:
        print_predictions(part)


def print_predictions(found: Predicted) -> None:
    """Print a line for each input: name, prediction and, where there is one, confidence, separated by tabs."""
    from trainwell.core.files import plain

    confidences: Sequence[float | None] = found.confidence or [None] * len(found.values)
    for name, value, confidence in zip(found.ids, found.values, confidences, strict=True):
        shown = f"{value:.6g}" if isinstance(value, float) else plain(str(value))
        print(f"{plain(name)}\t{shown}" + ("" if confidence is None else f"\t{confidence:.4f}"))
