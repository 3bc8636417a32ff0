"""The whole run as frozen data: the sections put together, and their settings by dotted key. No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from trainwell.core.errors import UsageError
from trainwell.recipe.sections import network, train, transfer
from trainwell.recipe.sections.data import DataRecipe
from trainwell.recipe.sections.monitor import MonitorRecipe
from trainwell.recipe.sections.network import NetworkRecipe
from trainwell.recipe.sections.optim import OptimRecipe
from trainwell.recipe.sections.setting import DECLARED, Declaration, Limits, Relation, Value, setting
from trainwell.recipe.sections.task import TaskRecipe
from trainwell.recipe.sections.train import TrainRecipe
from trainwell.recipe.sections.transfer import TransferRecipe

_REGISTERED: dict[str, type[Any]] = {}  # sections from outside the package, by name


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run: the same recipe and data give the same network.

    `registered` holds the sections from outside the package (`register_section`) that differ from their defaults.

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
    registered: tuple[tuple[str, Any], ...] = ()

    def section(self, name: str) -> Any:
        """Return a section by the name of its table, those from outside the package included."""
        if name in _REGISTERED:
            return dict(self.registered).get(name, _REGISTERED[name]())
        return getattr(self, name)


RELATIONS: list[Relation] = [section.relations for section in (network, train, transfer)]


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


def _settings_of(name: str, section: Any) -> Iterator[Setting]:
    """Yield the settings of one section, given its default."""
    prefix = f"{name}." if name else ""
    for entry in dataclasses.fields(section):
        if DECLARED in entry.metadata:
            key = prefix + entry.name
            yield Setting(key, str(entry.type), getattr(section, entry.name), entry.metadata[DECLARED])


def _settings() -> Iterator[Setting]:
    yield from _settings_of("", Recipe())
    for entry in dataclasses.fields(Recipe):
        section = getattr(Recipe(), entry.name)
        if dataclasses.is_dataclass(section):
            yield from _settings_of(entry.name, section)


_SETTINGS: dict[str, Setting] = {entry.key: entry for entry in _settings()}
SETTINGS: Mapping[str, Setting] = _SETTINGS


def register_section(name: str, section: type[Any], *, relations: Relation | None = None) -> None:
    """Add a section of settings from outside the package: a table in recipe files, keys of `--set` and of searches.

    Args:
        name: of its table.
        section: a frozen dataclass whose fields are declared with `setting`, and annotated with strings
            (`from __future__ import annotations`).
        relations: yields one sentence for each mistake between its settings and others.
    Raises:
        UsageError: if there is such a section, or a field is not a setting.
    """
    if name in _REGISTERED or name in {entry.name for entry in dataclasses.fields(Recipe)}:
        raise UsageError(f"The section name must be new, got {name!r}, which exists. Choose another name.")
    default = section()
    if undeclared := [entry.name for entry in dataclasses.fields(default) if DECLARED not in entry.metadata]:
        raise UsageError(
            f"Every field of the section {name!r} must be a setting, got {undeclared[0]!r}, which is not. Declare it "
            "with trainwell.recipe.setting(default, meaning)."
        )
    _REGISTERED[name] = section
    _SETTINGS.update((entry.key, entry) for entry in _settings_of(name, default))
    if relations:
        RELATIONS.append(relations)


def registered_sections() -> tuple[str, ...]:
    """Return the names of the sections registered from outside the package."""
    return tuple(_REGISTERED)


def flatten(recipe: Recipe) -> Iterator[tuple[str, Value]]:
    """Yield every setting of a recipe as (dotted key, value), in the order of the sections."""
    name = ""
    section: Any = recipe
    for key in SETTINGS:
        table, _, setting_name = key.rpartition(".")
        if table != name:
            name = table
            section = recipe.section(table)
        yield key, cast(Value, getattr(section, setting_name))


def unflatten(values: Mapping[str, Value]) -> Recipe:
    """Build a recipe from dotted keys; keys that are absent keep their defaults.

    >>> unflatten({"optim.learning_rate": 0.1, "seed": 3}).seed
    3
    """
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    recipe = Recipe(**sections.pop("", {}))
    changed = {name: dataclasses.replace(recipe.section(name), **inner) for name, inner in sections.items()}
    return with_sections(recipe, changed)


def with_sections(recipe: Recipe, sections: Mapping[str, Any]) -> Recipe:
    """Return the recipe with some sections replaced, by the names of their tables.

    >>> with_sections(Recipe(), {"optim": OptimRecipe(name="sgd")}).optim.name
    'sgd'
    """
    registered = dict(recipe.registered) | {name: part for name, part in sections.items() if name in _REGISTERED}
    own = {name: part for name, part in sections.items() if name not in _REGISTERED}
    kept = tuple((name, part) for name, part in sorted(registered.items()) if part != _REGISTERED[name]())
    return dataclasses.replace(recipe, registered=kept, **own)
