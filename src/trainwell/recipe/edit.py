"""Edits of a recipe: dotted keys to new values. A cure, a trial of a search and `--set` are the same thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainwell.recipe.check import Catalogues, check_values
from trainwell.recipe.schema import Recipe, flatten, unflatten
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
    rooms: dict[str, dict[str, Any]] = {}
    for key, value in point.items():
        room, _, name = key.rpartition(".")
        rooms.setdefault(room, {})[name] = value
    own: dict[str, Any] = rooms.pop("", {})
    changed = {room: dataclasses.replace(getattr(recipe, room), **values) for room, values in rooms.items()}
    return dataclasses.replace(recipe, **own, **changed)


def differences(before: Recipe, after: Recipe) -> dict[str, tuple[Value, Value]]:
    """Return the settings in which two recipes differ, as key: (before, after).

    >>> differences(Recipe(), edit(Recipe(), {"seed": 1}))
    {'seed': (0, 1)}
    """
    pairs = zip(flatten(before), flatten(after), strict=True)
    return {key: (old, new) for (key, old), (_, new) in pairs if old != new}
