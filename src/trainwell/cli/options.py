"""Options that several commands share."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Runs = Annotated[Path, typer.Option("--runs", help="Folder in which runs live.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; everything else goes to standard error.")]
RunPath = Annotated[str, typer.Argument(help="Folder of a run, or its name in --runs.", metavar="RUN")]
Edits = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. optim.learning_rate=0.01 (repeatable)."),
]


def print_json(data: Any) -> None:
    """Print one JSON object as the last line of standard output."""
    print(json_line(data), flush=True)


def json_line(data: Any) -> str:
    """Return a JSON object in one line.

    >>> json_line({"loss": float("nan")})
    '{"loss": null}'
    """
    return json.dumps(_strict(data), allow_nan=False, default=str)


def _strict(value: Any) -> Any:
    """Replace numbers that are not finite by None: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value


def speak(text: str, *, aside: bool) -> None:
    """Print for a person: on standard output, or on standard error if that is taken by JSON."""
    print(text, file=sys.stderr if aside else sys.stdout)


def find_run(name: str, runs: Path) -> Path:
    """Return the folder of a run given by path or by name; what has the name but is no run does not hide one."""
    return Path(name) if (Path(name) / "recipe.toml").is_file() or not (runs / name).exists() else runs / name


def read_edits(assignments: list[str] | None) -> dict[str, object]:
    """Read the values of --set."""
    from trainwell.core.errors import RecipeError
    from trainwell.recipe import parse_assignment

    edits: dict[str, object] = {}
    mistakes: list[str] = []
    for text in assignments or []:
        try:
            key, value = parse_assignment(text)
            edits[key] = value
        except RecipeError as problem:
            mistakes += problem.mistakes
    if mistakes:
        raise RecipeError(mistakes)
    return edits
