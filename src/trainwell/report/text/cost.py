"""What a network costs, as text for the terminal: a table of layers, and memory and time in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwell.report.text.words import duration

if TYPE_CHECKING:
    from trainwell.inspect import CostSheet


def cost_text(sheet: CostSheet) -> str:
    """Write a row for each layer, and what training takes."""
    header = ("layer", "kind", "output", "parameters", "multiply-adds", "activations", "receptive field")
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
    from trainwell.cost import BUSY  # it brings torch

    memory = sheet.memory
    said = []
    if sheet.auxiliary_parameters:
        said.append(f"Auxiliary heads add {sheet.auxiliary_parameters:,} parameters in training.")
    said.append(
        f"Training with {sheet.training.optimizer} in {sheet.training.precision}, batch {sheet.training.batch_size:,}: "
        f"{_bytes(memory.total(sheet.training.batch_size))} (parameters {_bytes(memory.parameters)}, gradients "
        f"{_bytes(memory.gradients)}, optimizer {_bytes(memory.optimizer_state)}, "
        f"activations {_bytes(memory.activations)} per example)."
    )
    largest = memory.largest_batch(sheet.free)
    said.append(
        f"{_bytes(sheet.free)} are free here: "
        + (f"the largest batch is {largest:,}." if largest else "not a single example fits.")
    )
    step = sheet.step_seconds
    said.append(
        f"A step takes about {duration(step) if step >= 1 else f'{1000 * step:.3g} ms'} on this machine (predicted)."
    )
    if sheet.machine.share < BUSY:
        said.append(
            f"The machine is busy: other programs take {1 - sheet.machine.share:.0%} of the processor. "
            "The prediction is for an idle one."
        )
    if sheet.epoch_seconds is not None:
        said.append(
            f"An epoch of {sheet.training.examples:,} examples takes {duration(sheet.epoch_seconds)} (predicted)."
        )
    if (ratio := sheet.predicted_to_measured) is not None:
        steps = sheet.measured
        real = "the run's epochs" if steps is None else f"real steps of {steps.batch_size:,} examples"
        said.append(f"Predicted / measured time, {real}: {ratio:.2f}.")
    return said


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.2f} GiB"
