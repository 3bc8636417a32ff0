"""trainwell cost: what a network costs, layer by layer, before it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Json, Runs, print_json, speak

if TYPE_CHECKING:
    from trainwell.inspect import CostSheet


def cost(
    model: Annotated[str, typer.Argument(help="alexnet, timm:NAME, ... · module:Class · recipe.toml · a run")],
    input: Annotated[str | None, typer.Option(help="Shape of one example, e.g. 3x227x227.")] = None,
    batch: Annotated[int, typer.Option(help="Examples in a batch; 0: the recipe's, or 32.")] = 0,
    classes: Annotated[int, typer.Option(help="Outputs; 0: the paper's.")] = 0,
    optimizer: Annotated[str, typer.Option(help="Name of the optimizer; empty: the recipe's, or adamw.")] = "",
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    examples: Annotated[int, typer.Option(help="Training examples of one epoch.")] = 0,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also time a few real steps, and print the ratio.")
    ] = False,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Print parameters, multiply-adds, memory, receptive field and time of a network; nothing is trained."""
    from trainwell.core.errors import UsageError
    from trainwell.inspect import cost_sheet, find_subject

    for name, value in (("--batch", batch), ("--classes", classes), ("--examples", examples)):
        if value < 0:
            raise UsageError(f"{name} must be at least 0, got {value}.")
    subject = find_subject(model, input_shape=_shape(input), classes=classes, runs=runs)
    sheet = cost_sheet(
        subject, batch_size=batch, optimizer=optimizer, precision=precision, examples=examples, measure=measure
    )
    speak(_text(sheet), aside=json)
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


def _text(sheet: CostSheet) -> str:
    header = ("layer", "kind", "output", "parameters", "multiply-adds", "activations", "sees")
    rows = [header]
    for layer in sheet.table:
        output = "x".join(map(str, layer.output_shape))
        field = "" if layer.receptive_field is None else str(layer.receptive_field)
        numbers = (f"{layer.parameters:,}", f"{layer.multiply_adds:,}", _bytes(layer.activation_bytes))
        rows.append((layer.name, layer.kind, output, *numbers, field))
    rows.append(("total", "", "", f"{sheet.parameters:,}", f"{sheet.macs:,}", _bytes(sheet.activation_bytes), ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if number >= 3 else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *_sentences(sheet)])


def _sentences(sheet: CostSheet) -> list[str]:
    from trainwell.cost import BUSY
    from trainwell.report.text.words import duration

    memory, said = sheet.memory, []
    if sheet.auxiliary_parameters:
        said.append(f"Auxiliary heads add {sheet.auxiliary_parameters:,} parameters in training.")
    said.append(
        f"Training with {sheet.optimizer} in {sheet.precision}, batch {sheet.batch_size:,}: "
        f"{_bytes(memory.total(sheet.batch_size))} (parameters {_bytes(memory.parameters)}, gradients "
        f"{_bytes(memory.gradients)}, optimizer {_bytes(memory.optimizer_state)}, "
        f"activations {_bytes(memory.activations)} an example)."
    )
    largest = memory.largest_batch(sheet.free)
    said.append(
        f"{_bytes(sheet.free)} are free here: "
        + (f"the largest batch is {largest:,}." if largest else "not even one example fits.")
    )
    step = sheet.step_seconds
    said.append(
        f"A step takes about {duration(step) if step >= 1 else f'{1000 * step:.3g} ms'} on this machine (predicted)."
    )
    if sheet.machine.share < BUSY:
        said.append(
            f"The machine is busy: other programs take {1 - sheet.machine.share:.0%} of the processor. "
            "The prediction is for a quiet one."
        )
    if sheet.epoch_seconds is not None:
        said.append(f"An epoch of {sheet.examples:,} examples takes {duration(sheet.epoch_seconds)} (predicted).")
    if (ratio := sheet.predicted_to_measured) is not None:
        real = "the run's epochs" if sheet.measured_step is None else f"real steps of {sheet.measured_batch:,} examples"
        said.append(f"Predicted / measured time, {real}: {ratio:.2f}.")
    return said


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.2f} GiB"
