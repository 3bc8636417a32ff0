"""trainwell ensemble: several runs as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, Runs, find_run, print_json
from trainwell.cli.predict import print_predictions


def ensemble(
    members: Annotated[list[str], typer.Argument(help="Runs on the same data.", metavar="RUN RUN ...")],
    inputs: Annotated[
        str | None, typer.Option("--predict", metavar="INPUTS", help="Predict on new inputs instead of scoring.")
    ] = None,
    *,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Average the predictions of several runs.

    The members' probabilities are averaged. The score is on examples that no member was trained on.
    """
    from trainwell.fitting import open_run
    from trainwell.inference import average, predict
    from trainwell.inference import ensemble as score_together

    opened = [open_run(find_run(name, runs)) for name in members]
    if inputs is not None:
        found = average([predict(run, inputs) for run in opened])
        if json:
            return print_json({"runs": [str(run.path) for run in opened], "predictions": found.to_json()})
        print_predictions(found)
        return
    scored = score_together(opened)
    if json:
        return print_json(scored.to_json())
    width = max(len("ensemble"), *(len(run.name) for run in opened))
    for run, value in zip(opened, scored.members, strict=True):
        print(f"{run.name:<{width}}  {scored.score} {value:.4f}")
    print(f"{'mean member':<{width}}  {scored.score} {scored.mean:.4f}")
    gained = f"gain {scored.gain:+.4f}, over the best {scored.gain_over_best:+.4f}"
    print(f"{'ensemble':<{width}}  {scored.score} {scored.together:.4f}  {gained}")
    print(f"on {scored.examples:,} {scored.split} examples that no member was trained on")
