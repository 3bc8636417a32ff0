"""The whole run as frozen data: the sections put together, and their settings by dotted key. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from trainwell.recipe.sections import data, monitor, network, optim, task, train, transfer
from trainwell.recipe.sections.data import DataRecipe
from trainwell.recipe.sections.monitor import MonitorRecipe
from trainwell.recipe.sections.network import NetworkRecipe
from trainwell.recipe.sections.optim import OptimRecipe
from trainwell.recipe.sections.setting import DECLARED, Declaration, Limits, Relation, Value, setting
from trainwell.recipe.sections.task import TaskRecipe
from trainwell.recipe.sections.train import TrainRecipe
from trainwell.recipe.sections.transfer import TransferRecipe


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run: the same recipe and data give the same network.

    >>> Recipe().optim.name
    'adamw'
    >>> dict(flatten(Recipe()))["train.epochs"]
    20
    """

    seed: int = setting(
        0, "random seed: determines all randomness", limits=Limits(low=0, high=2**63 - 1), population="varies"
    )
    data: DataRecipe = field(default_factory=DataRecipe)
    task: TaskRecipe = field(default_factory=TaskRecipe)
    nn: NetworkRecipe = field(default_factory=NetworkRecipe)
    optim: OptimRecipe = field(default_factory=OptimRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
    transfer: TransferRecipe = field(default_factory=TransferRecipe)
    watch: MonitorRecipe = field(default_factory=MonitorRecipe)


RELATIONS: tuple[Relation, ...] = tuple(
    section.relations for section in (optim, data, network, task, train, transfer, monitor)
)


@dataclass(frozen=True)
class Setting:
    """One setting of the recipe.

    Args:
        key: dotted key, "optim.learning_rate".
        type: of its values, as annotated ("float", "tuple[int, ...]").
        default: value if neither the user nor a preset sets it.
        declared: everything else its section says about it.
    """

    key: str
    type: str
    default: Value
    declared: Declaration

    @property
    def meaning(self) -> str:
        """One line that says what it is."""
        return self.declared.meaning

    @property
    def limits(self) -> Limits:
        """Valid values."""
        return self.declared.limits


def _settings() -> Iterator[Setting]:
    recipe = Recipe()
    for outer in dataclasses.fields(Recipe):
        default = getattr(recipe, outer.name)
        if not dataclasses.is_dataclass(default):
            yield Setting(outer.name, str(outer.type), default, outer.metadata[DECLARED])
            continue
        for inner in dataclasses.fields(default):
            key = f"{outer.name}.{inner.name}"
            yield Setting(key, str(inner.type), getattr(default, inner.name), inner.metadata[DECLARED])


SETTINGS: Mapping[str, Setting] = {entry.key: entry for entry in _settings()}


def flatten(recipe: Recipe) -> Iterator[tuple[str, Value]]:
    """Yield every setting of a recipe as (dotted key, value), in the order of the sections."""
    for key in SETTINGS:
        section, _, name = key.rpartition(".")
        yield key, cast(Value, getattr(getattr(recipe, section) if section else recipe, name))


def unflatten(values: Mapping[str, Value]) -> Recipe:
    """Build a recipe from dotted keys; keys that are absent keep their defaults.

    >>> unflatten({"optim.learning_rate": 0.1, "seed": 3}).seed
    3
    """
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    changes: dict[str, Any] = sections.pop("", {})
    for section, inner in sections.items():
        changes[section] = dataclasses.replace(getattr(Recipe(), section), **inner)
    return Recipe(**changes)
