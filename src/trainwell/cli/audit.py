"""trainwell audit: faults of a data set, before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Data, Edits, Json, Target, print_json, print_text, read_settings
from trainwell.core import exit_codes

_LABEL_MODELS = ("fast", "network")


def audit(
    data: Data,
    target: Target = None,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the page here; default: audit-NAME.html.")
    ] = None,
    labels: Annotated[bool, typer.Option(help="Search for wrong labels too.")] = True,
    label_model: Annotated[str, typer.Option(help="Find wrong labels by fast or network (images; minutes).")] = "fast",
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Find duplicates, leakage and wrong labels in data.

    Exits with 0 if no finding is an error (warnings and hints are not), with 3 if one is, with 65 if the data cannot be
    read.
    """
    from trainwell.core.errors import UsageError
    from trainwell.core.files import plain
    from trainwell.core.finding import Severity
    from trainwell.data import examine, read, split, usual_settings
    from trainwell.fitting import completed, gather, split_seed
    from trainwell.recipe import unflatten
    from trainwell.report import audit_text, write_audit
    from trainwell.tasks import target_type_for

    if label_model not in _LABEL_MODELS:
        raise UsageError(f"--label-model must be {' or '.join(_LABEL_MODELS)}, got {label_model!r}.")
    settings = gather(data, read_settings(edits, target=target))
    wanted = target_type_for(str(settings.get("task.name", "")))
    recipe = completed(settings, usual_settings(unflatten(settings).data, target_type=wanted))
    examples = read(recipe.data, target_type=wanted)
    found = examine(examples, split(examples, recipe.data, seed=split_seed(recipe)), labels=labels, judge=label_model)
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in plain(examples.name))
    path = write_audit(found, examples, path=output or Path(f"audit-{stem}.html"))
    print_text(f"{audit_text(found)}\n\nThe page: {path}", to_stderr=json)
    if json:
        print_json({**found.to_json(), "page": str(path)})
    if any(finding.severity is Severity.ERROR for finding in found.findings):
        raise typer.Exit(exit_codes.FINDINGS)
