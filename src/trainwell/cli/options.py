"""Options that several commands share, and how their values become settings."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[str, typer.Argument(metavar="DATA", help="Data set, table, folder or recipe.toml, as for fit.")]
RunPath = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run, or its name in --runs.")]

Target = Annotated[str | None, typer.Option(help="Predict this table column; default: the last.")]
Model = Annotated[str | None, typer.Option(help="Use this network: mlp, lenet5, resnet20, ...")]
Optimizer = Annotated[str | None, typer.Option(help="Use this optimizer: adamw, sgd, adam, ...")]
LearningRate = Annotated[float | None, typer.Option("--lr", help="Set the peak learning rate.")]
Epochs = Annotated[int | None, typer.Option(help="Set the number of epochs; default: by data size.")]
BatchSize = Annotated[int | None, typer.Option(help="Set the examples per step; default: by data size.")]
Seed = Annotated[int | None, typer.Option(help="Set the random seed; default: 0.")]
Edits = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change any setting, e.g. train.ema=0.99; repeatable."),
]

Runs = Annotated[Path, typer.Option("--runs", help="Set the folder of all runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; text goes to stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print neither progress nor summary.")]

# Options that stand for a setting.
_KEYS = {
    "target": "data.target",
    "model": "nn.model",
    "optimizer": "optim.name",
    "learning_rate": "optim.learning_rate",
    "epochs": "train.epochs",
    "minutes": "train.minutes",
    "batch_size": "train.batch_size",
    "seed": "seed",
    "device": "train.device",
    "source": "transfer.source",
    "freeze": "transfer.freeze",
    "layers": "transfer.layers",
    "unfreeze_every": "transfer.unfreeze_every",
    "pretrain": "transfer.pretrain",
}


def read_settings(assignments: list[str] | None, **options: object) -> dict[str, object]:
    """Return the settings that a user gave, by dotted key.

    Args:
        assignments: values of --set.
        options: values of the options that stand for a setting; None if an option was not given.
    Raises:
        RecipeError: with every assignment that is not KEY=VALUE.

    >>> read_settings(["train.ema=0.9"], learning_rate=0.1, epochs=None)
    {'train.ema': 0.9, 'optim.learning_rate': 0.1}
    """
    from trainwell.core.errors import RecipeError
    from trainwell.recipe import parse_assignment

    settings: dict[str, object] = {}
    mistakes: list[str] = []
    for text in assignments or []:
        try:
            key, value = parse_assignment(text)
            settings[key] = value
        except RecipeError as problem:
            mistakes += problem.mistakes
    if mistakes:
        raise RecipeError(mistakes)
    return settings | {_KEYS[name]: value for name, value in options.items() if value is not None}


def find_run(name: str, runs: Path) -> Path:
    """Return the folder of a run given by path or by name; what has the name but is no run does not hide one."""
    return Path(name) if (Path(name) / "recipe.toml").is_file() or not (runs / name).exists() else runs / name


def print_text(text: str, *, to_stderr: bool) -> None:
    """Print for a person: on standard output, or on standard error if JSON takes standard output."""
    print(text, file=sys.stderr if to_stderr else sys.stdout)


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
    """Replace non-finite numbers by None: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value
