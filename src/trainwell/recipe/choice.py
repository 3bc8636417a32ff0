"""What a recipe must know of a name that a setting can choose: an optimizer, a schedule, a network.

The recipe knows no torch and no catalogue. Whoever knows the catalogues hands it one `Choice` for each name, so that a
new optimizer says itself which settings it uses, which values suit it and what it cannot be combined with.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts
from trainwell.recipe.schema import SETTINGS, Recipe, registered_sections
from trainwell.recipe.sections.setting import Relation, Value, Values

Preset = dict[str, tuple[Value, str]]
"""Chosen settings: dotted key to value and reason."""

Usual = Callable[[Facts, Preset], Preset]
"""Settings that suit a choice, given what is known of the data and what has been chosen so far."""


def no_defaults(facts: Facts, chosen: Preset) -> Preset:
    """Choose nothing."""
    return {}


def no_relation(values: Values) -> Iterator[str]:
    """Refuse nothing."""
    yield from ()


@dataclass(frozen=True)
class Choice:
    """What a recipe must know of one name.

    Args:
        uses: settings that have an effect with it, among those that depend on the choice; dotted keys.
        usual: chooses settings that suit it.
        relation: what must hold between settings if it is chosen.
    """

    uses: frozenset[str] = frozenset()
    usual: Usual = no_defaults
    relation: Relation = no_relation


Choices = Mapping[str, Mapping[str, Choice]]
"""Key of the setting that chooses ("optim.name") to name to choice."""


def choice_of(choices: Choices, key: str, *, name: str) -> Choice | None:
    """Return what is known of a name; None if nothing is.

    A name may be one of a family, whose name is what stands before a colon, with the colon.

    >>> found = choice_of({"nn.model": {"timm:": Choice(uses=frozenset({"seed"}))}}, "nn.model", name="timm:resnet18")
    >>> found.uses, choice_of({}, "nn.model", name="mlp")
    (frozenset({'seed'}), None)
    """
    known = choices.get(key, {})
    return known.get(name) or known.get(name.partition(":")[0] + ":")


def keys_of(build: Callable[..., Any], *, sections: Sequence[str]) -> tuple[str, ...]:
    """Return the settings that a builder uses: those its keyword-only arguments name, as dotted keys.

    Args:
        build: the builder.
        sections: where its settings stand, first match first; then the sections registered from outside the package.
    Raises:
        UsageError: if an argument is no setting.

    >>> def adam(groups, *, beta1, beta2): ...
    >>> keys_of(adam, sections=["optim"])
    ('optim.beta1', 'optim.beta2')
    """
    names = [p.name for p in inspect.signature(build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    places = (*sections, *registered_sections())
    keys = {name: next((f"{place}.{name}" for place in places if f"{place}.{name}" in SETTINGS), "") for name in names}
    for name, key in keys.items():
        if not key:
            raise UsageError(
                f"The keyword-only arguments of {getattr(build, '__name__', build)} must be settings, got {name!r}. "
                "Declare it in a section of your own: trainwell.recipe.register_section."
            )
    return tuple(keys.values())


def arguments(build: Callable[..., Any], recipe: Recipe, *, sections: Sequence[str]) -> dict[str, Any]:
    """Return the settings that a builder uses, by the names of its arguments.

    >>> def sgd(groups, *, momentum): ...
    >>> arguments(sgd, Recipe(), sections=["optim"])
    {'momentum': 0.9}
    """
    found = {}
    for key in keys_of(build, sections=sections):
        section, _, name = key.rpartition(".")
        found[name] = getattr(recipe.section(section), name)
    return found
