"""Edits of a recipe: dotted keys to new values. A repair, a trial of a search and `--set` are the same thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainwell.recipe.check import Catalogues, check_values
from trainwell.recipe.schema import Recipe, flatten, unflatten, with_sections
from trainwell.recipe.sections.setting import Value


def edit(recipe: Recipe, changes: Mapping[str, object], *, catalogues: Catalogues | None = None) -> Recipe:
    """Return the recipe with some settings changed.

    Raises:
        RecipeError: with every unknown key and impossible value.

    >>> edit(Recipe(), {"optim.learning_rate": 0.1}).optim.learning_rate
    0.1
    """
    return unflatten({**dict(flatten(recipe)), **check_values(changes, catalogues=catalogues)})


def vary(recipe: Recipe, point: Mapping[str, Value]) -> Recipe:
    """Return the recipe with settings changed that were checked before: a search does this for every trial.

    >>> vary(Recipe(), {"seed": 3, "optim.momentum": 0.5}).optim.momentum
    0.5
    """
    sections: dict[str, dict[str, Any]] = {}
    for key, value in point.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    own: dict[str, Any] = sections.pop("", {})
    changed = {name: dataclasses.replace(recipe.section(name), **values) for name, values in sections.items()}
    return with_sections(dataclasses.replace(recipe, **own), changed)


def differences(before: Recipe, after: Recipe) -> dict[str, tuple[Value, Value]]:
    """Return the settings in which two recipes differ, as key: (before, after).

    >>> differences(Recipe(), edit(Recipe(), {"seed": 1}))
    {'seed': (0, 1)}
    """
    pairs = zip(flatten(before), flatten(after), strict=True)
    return {key: (old, new) for (key, old), (_, new) in pairs if old != new}
