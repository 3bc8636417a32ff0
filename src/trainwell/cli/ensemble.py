"""trainwell ensemble: several runs as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, Runs, find_run, print_json, speak


def ensemble(
    members: Annotated[list[str], typer.Argument(help="Runs on the same data.", metavar="RUN RUN ...")],
    inputs: Annotated[
        str | None, typer.Option("--predict", metavar="INPUTS", help="New inputs to predict together.")
    ] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Average the members' probabilities: what that gains over the mean member, or what it predicts."""
    from trainwell.core.files import plain
    from trainwell.fitting import open_run
    from trainwell.inference import average, predict
    from trainwell.inference import ensemble as together

    opened = [open_run(find_run(name, runs)) for name in members]
    if inputs is not None:
        found = average([predict(run, inputs) for run in opened])
        if json:
            return print_json({"runs": [str(run.path) for run in opened], "predictions": found.to_json()})
        sure: Sequence[float | None] = found.confidence or [None] * len(found.values)
        for name, value, share in zip(found.ids, found.values, sure, strict=True):
            shown = f"{value:.6g}" if isinstance(value, float) else plain(str(value))
            print(f"{plain(name)}\t{shown}" + ("" if share is None else f"\t{share:.4f}"))
        return
    scored = together(opened)
    if json:
        return print_json(scored.to_json())
    width = max(len(run.name) for run in opened)
    for run, value in zip(opened, scored.members, strict=True):
        speak(f"{run.name:<{width}}  {scored.score} {value:.4f}", aside=False)
    print(f"{'mean member':<{width}}  {scored.score} {scored.mean:.4f}")
    gained = f"gain {scored.gain:+.4f}, over the best {scored.gain_over_best:+.4f}"
    print(f"{'together':<{width}}  {scored.score} {scored.together:.4f}  {gained}")
    print(f"on {scored.examples:,} {scored.split} examples that no member has seen")
