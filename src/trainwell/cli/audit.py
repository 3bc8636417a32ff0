"""trainwell audit: what is wrong with data, before anything is trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Edits, Json, print_json, read_edits, speak

_SICK = 3
_JUDGES = ("fast", "network")


def audit(
    data: Annotated[str, typer.Argument(help="What you would give to fit; tables may hold columns of text.")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    page: Annotated[Path | None, typer.Option(help="Where to write the page; default: audit-NAME.html here.")] = None,
    labels: Annotated[bool, typer.Option(help="Look for wrong labels too.")] = True,
    judge: Annotated[
        str, typer.Option(help="Who judges labels: fast, or network (pictures; about ten minutes).")
    ] = "fast",
    edits: Edits = None,
    json: Json = False,
) -> None:
    """Look for copies, leaks, wrong labels and everything else that spoils training or its score.

    Leaves with 0 if there is no error among the findings (warnings and hints are none), with 3 if there is one, with 65
    if the data cannot be read.
    """
    from trainwell.core.errors import UsageError
    from trainwell.core.files import plain
    from trainwell.core.finding import Severity
    from trainwell.data import examine, read, split
    from trainwell.fitting import gather, split_seed
    from trainwell.recipe import unflatten
    from trainwell.report import audit_text, write_audit
    from trainwell.tasks import target_type_for

    if judge not in _JUDGES:
        raise UsageError(f"--judge must be {' or '.join(_JUDGES)}, got {judge!r}.")
    settings = gather(data, read_edits(edits) | ({"data.target": target} if target else {}))
    recipe = unflatten(settings)
    examples = read(recipe.data, target_type=target_type_for(str(settings.get("task.name", ""))))
    found = examine(examples, split(examples, recipe.data, split_seed(recipe)), labels=labels, judge=judge)
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in plain(examples.name))
    path = write_audit(found, examples, page or Path(f"audit-{stem}.html"))
    speak(f"{audit_text(found)}\n\nThe page: {path}", aside=json)
    if json:
        print_json({**found.to_json(), "page": str(path)})
    if any(finding.severity is Severity.ERROR for finding in found.findings):
        raise typer.Exit(_SICK)
