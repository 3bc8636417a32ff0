"""From a user's settings to a complete recipe with its data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, RecipeError
from trainwell.core.facts import Facts
from trainwell.data import Examples, Splits, read, split, usual_settings
from trainwell.fitting.backbone import published
from trainwell.fitting.catalogues import catalogues, choices
from trainwell.fitting.pretrain import labelled
from trainwell.fitting.transfer import PUBLISHED, inherited, origin_of, slowed
from trainwell.nn import PREFIX
from trainwell.recipe import Recipe, check_combinations, check_values, preset, read_settings, unflatten
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections.setting import Value
from trainwell.tasks import TASKS, suitable, target_type_for


@dataclass(frozen=True)
class Plan:
    """A complete recipe, its data, and the reason for each default.

    Args:
        recipe: every setting.
        reasons: dotted key to the reason for a default.
        examples: the data.
        splits: indices of the training, validation and test examples.
        inputs: indices of all training examples, including those whose labels are not used.
    """

    recipe: Recipe
    reasons: Mapping[str, str]
    examples: Examples
    splits: Splits
    inputs: NDArray[np.int64]


def gather(source: str | Path, edits: Mapping[str, object], *, custom: bool = False) -> dict[str, Value]:
    """Return a user's settings: those of a recipe file, if the source is one, updated by the edits.

    Args:
        source: name or path of the data, or path of a recipe (.toml).
        edits: dotted key to value.
        custom: whether the network is given from Python.
    Raises:
        RecipeError: with all mistakes of both.

    >>> gather("digits", {"seed": 3})
    {'data.source': 'digits', 'seed': 3}
    """
    mistakes: list[str] = []
    names = catalogues(custom=custom)
    settings: dict[str, Value] = {}
    try:
        if str(source).endswith(".toml"):
            settings |= read_settings(Path(source), catalogues=names)
        else:
            settings["data.source"] = str(source)
    except RecipeError as problem:
        mistakes += problem.mistakes
    try:
        settings |= check_values(edits, catalogues=names)
    except RecipeError as problem:
        mistakes += problem.mistakes
    if mistakes:
        raise RecipeError(mistakes)
    if str(settings.get("transfer.source", "")).startswith(PUBLISHED):
        settings.setdefault("nn.model", settings["transfer.source"])
    return settings


def completed(settings: Mapping[str, Value], usual: Preset) -> Recipe:
    """Return the recipe of the user's settings, with usual values for the others.

    Args:
        settings: dotted key to value.
        usual: dotted key to a value and why it is usual.

    >>> completed({"seed": 3}, {"seed": (1, "a reason"), "train.epochs": (2, "another")}).seed
    3
    """
    return unflatten({key: value for key, (value, _) in usual.items()} | dict(settings))


def plan(settings: Mapping[str, Value], examples: Examples | None = None) -> Plan:
    """Complete the settings with defaults for their data.

    Args:
        settings: dotted key to value, as `gather` returns them.
        examples: the data, if already in memory.
    Raises:
        RecipeError: if settings and data do not match.
        DataError: if the data cannot be used.
    """
    given = unflatten(settings)
    origin = origin_of(given) if given.transfer.source else None
    taken = inherited(origin, settings) if origin else {}
    given = completed(settings, taken)
    if given.nn.model.startswith(PREFIX):
        asked = published(given.nn.model, given.data.prepare)  # raises for another preparation, also for data in memory
        taken = {**(asked if examples is None else {}), **taken}
        given = completed(settings, taken)
    wanted = str(settings.get("task.name", ""))
    if examples is None:
        taken = {**usual_settings(given.data, target_type=target_type_for(wanted)), **taken}
        given = completed(settings, taken)
        examples = read(given.data, target_type=target_type_for(wanted))
    splits = split(examples, given.data, seed=split_seed(given))
    inputs = splits.train
    if given.transfer.labelled < 1:
        splits = dataclasses.replace(splits, train=labelled(examples, splits.train, recipe=given))
    task = _task_for(examples, wanted)
    facts = Facts(
        kind=examples.kind.name,
        model=str(settings.get("nn.model", "")),
        task=task,
        causal=TASKS[task].causal,
        input_shape=examples.kind.shape(examples.inputs, given.data.prepare),
        labels=examples.labels,
        sizes={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
    )
    asked_for = str(settings.get("optim.name", ""))
    defaults = preset(
        facts, choices(), suited=examples.kind.usual(facts), optimizer=asked_for, minutes=given.train.minutes
    )
    defaults |= taken
    if given.transfer.source.startswith(PUBLISHED):
        usual, _ = defaults.get("optim.learning_rate", (given.optim.learning_rate, ""))
        defaults["optim.learning_rate"] = slowed(usual)
    reasons = {key: reason for key, (_, reason) in defaults.items() if key not in settings}
    recipe = completed(settings, defaults)
    check_combinations(recipe, choices())
    return Plan(recipe, reasons, examples, splits, inputs)


def split_seed(recipe: Recipe) -> int:
    """Return the random seed of the data splits of a recipe."""
    return recipe.seed if recipe.data.split_seed < 0 else recipe.data.split_seed


def _task_for(examples: Examples, wanted: str) -> str:
    """Return the name of the task: the requested one, or the default for the targets."""
    possible = suitable(examples.target_type, max(1, len(examples.labels)))
    if not possible:
        raise DataError(f"There is no task for the targets of {examples.name}, which are {examples.target_type}.")
    if wanted and wanted not in possible:
        raise RecipeError(
            [
                f"task.name must be {' or '.join(map(repr, possible))} for the targets of {examples.name}, "
                f"got {wanted!r}. Omit the setting for the default."
            ]
        )
    return wanted or possible[0]
