"""trainwell recipe: print the complete recipe that fit would run."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, print_json, read_edits, speak


def recipe(
    data: Annotated[str, typer.Argument(help="What you would give to fit.")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    model: Annotated[str | None, typer.Option(help="Architecture, e.g. mlp, lenet5, resnet20.")] = None,
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Print the complete recipe that fit would run, every setting explained; redirect it to a file and edit it."""
    from trainwell.fitting import choices, gather, plan
    from trainwell.recipe import flatten, to_toml, without_effect

    asked = {"data.target": target, "nn.model": model}
    changes = read_edits(edits) | {key: value for key, value in asked.items() if value}
    made = plan(gather(data, changes))
    validated = len(made.splits.validation) > 0
    for remark in (*made.examples.remarks, *without_effect(made.recipe, choices(), validated=validated)):
        speak(remark, aside=True)
    if json:
        # JSON has no word for infinity; TOML's is read back by --set.
        values = {key: "inf" if value == math.inf else value for key, value in flatten(made.recipe)}
        print_json({"recipe": values, "reasons": dict(made.reasons)})
    else:
        print(to_toml(made.recipe, reasons=made.reasons, comments=True), end="")
