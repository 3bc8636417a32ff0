"""trainwell recipe: print the complete recipe that fit would run."""

from __future__ import annotations

import math

from trainwell.cli.options import (
    BatchSize,
    Data,
    Edits,
    Epochs,
    Json,
    LearningRate,
    Model,
    Optimizer,
    Target,
    print_json,
    print_text,
    read_settings,
)


def recipe(
    data: Data,
    target: Target = None,
    *,
    model: Model = None,
    optimizer: Optimizer = None,
    learning_rate: LearningRate = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Print every setting that fit would use, explained.

    Redirect it to a file, edit it, and give that file to fit: trainwell recipe digits > recipe.toml
    """
    from trainwell.fitting import choices, gather, plan
    from trainwell.recipe import flatten, to_toml, without_effect

    settings = read_settings(
        edits,
        target=target,
        model=model,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
    )
    made = plan(gather(data, settings))
    validated = len(made.splits.validation) > 0
    for remark in (*made.examples.remarks, *without_effect(made.recipe, choices(), validated=validated)):
        print_text(remark, to_stderr=True)
    if json:
        # JSON has no word for infinity; TOML's is read back by --set.
        values = {key: "inf" if value == math.inf else value for key, value in flatten(made.recipe)}
        print_json({"recipe": values, "reasons": dict(made.reasons)})
    else:
        print(to_toml(made.recipe, reasons=made.reasons, comments=True), end="")
