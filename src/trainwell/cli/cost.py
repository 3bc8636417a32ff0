"""trainwell cost: what a network costs, layer by layer, before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, Runs, print_json, print_text


def cost(
    model: Annotated[str, typer.Argument(help="alexnet, timm:NAME, ... · module:Class · recipe.toml · a run")],
    input: Annotated[str | None, typer.Option(help="Set the shape of one example, e.g. 3x227x227.")] = None,
    *,
    batch_size: Annotated[int, typer.Option(help="Set the examples per step; 0: the recipe's, or 32.")] = 0,
    classes: Annotated[int, typer.Option(help="Set the number of outputs; 0: the paper's.")] = 0,
    optimizer: Annotated[str, typer.Option(help="Use this optimizer; empty: the recipe's, or adamw.")] = "",
    precision: Annotated[str, typer.Option(help="Compute in float32, bfloat16 or float16.")] = "float32",
    examples: Annotated[int, typer.Option(help="Set the training examples of an epoch.")] = 0,
    measure: Annotated[bool, typer.Option("--measure", help="Time a few real steps too; print the ratio.")] = False,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Print parameters, multiply-adds, memory and time.

    Layer by layer, with the receptive field. Nothing is trained.
    """
    from trainwell.core.errors import UsageError
    from trainwell.inspect import cost_sheet, find_subject
    from trainwell.report import cost_text

    for name, value in (("--batch-size", batch_size), ("--classes", classes), ("--examples", examples)):
        if value < 0:
            raise UsageError(f"{name} must be at least 0, got {value}.")
    subject = find_subject(model, input_shape=_shape(input), classes=classes, runs=runs)
    sheet = cost_sheet(
        subject, batch_size=batch_size, optimizer=optimizer, precision=precision, examples=examples, measure=measure
    )
    print_text(cost_text(sheet), to_stderr=json)
    if json:
        print_json(sheet.to_json())


def _shape(text: str | None) -> tuple[int, ...]:
    from trainwell.core.errors import UsageError

    if text is None:
        return ()
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.strip().isdecimal() and 0 < int(part) < 100_000 for part in parts):
        raise UsageError(f"--input must be channels x height x width, such as 3x224x224, got {text!r}.")
    return tuple(int(part) for part in parts)
