"""Settings that have an effect only beside certain values of other settings, as their sections declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainwell.recipe.choice import Choices
from trainwell.recipe.edit import differences, vary
from trainwell.recipe.schema import SETTINGS, Recipe, flatten

_MOST_NAMED = 6  # values listed in a message


def has_effect(key: str, values: Mapping[str, object], *, choices: Choices) -> bool:
    """Tell whether a setting has an effect beside the values of other settings, where those are known.

    Args:
        key: the setting.
        values: of other settings; those that are absent or empty are not known yet.
        choices: what is known of the names that settings choose; a name that is not listed uses nothing.

    >>> from trainwell.recipe.choice import Choice
    >>> choices = {"optim.name": {"sgd": Choice(uses=frozenset({"optim.momentum"})), "adam": Choice()}}
    >>> [has_effect("optim.momentum", {"optim.name": name}, choices=choices) for name in ("sgd", "adam", "")]
    [True, False, True]
    >>> has_effect("seed", {}, choices=choices)
    True
    """
    needed = SETTINGS[key].declared.only_with
    if needed is None or needed.key not in values:
        return True
    value = values[needed.key]
    if needed.off is not None:
        return value != needed.off and has_effect(needed.key, values, choices=choices)
    if not value or (needed.by_choice and needed.key not in choices):
        return True
    return value in _names(key, choices)


def _names(key: str, choices: Choices) -> tuple[str, ...]:
    """Return the values of the other setting with which a setting has an effect."""
    needed = SETTINGS[key].declared.only_with
    assert needed is not None
    if not needed.by_choice:
        return needed.names
    return tuple(name for name, choice in choices[needed.key].items() if key in choice.uses)


def without_effect(recipe: Recipe, choices: Choices, *, validated: bool = True) -> Iterator[str]:
    """Yield one sentence for each setting that differs from its default and still has no effect.

    Args:
        recipe: all settings.
        choices: what is known of the names that settings choose.
        validated: whether there is a validation split.
    """
    values = dict(flatten(recipe))
    for key, value in values.items():
        if value != SETTINGS[key].default and not has_effect(key, values, choices=choices):
            yield f"{key} = {value!r} has no effect {_beside(key, values, choices=choices)}"
    if recipe.train.patience and not validated:
        yield f"train.patience = {recipe.train.patience} has no effect without validation: set data.validation."


def effective(before: Recipe, after: Recipe, *, choices: Choices) -> Recipe:
    """Return the edited recipe without those edits that have no effect in it.

    >>> from trainwell.recipe.choice import Choice
    >>> from trainwell.recipe.edit import edit
    >>> both = edit(Recipe(), {"nn.width": 8, "seed": 1})  # an mlp has no stages
    >>> differences(Recipe(), effective(Recipe(), both, choices={"nn.model": {"mlp": Choice()}}))
    {'seed': (0, 1)}
    """
    values = dict(flatten(after))
    changed = differences(before, after)
    return vary(after, {key: old for key, (old, _) in changed.items() if not has_effect(key, values, choices=choices)})


def _beside(key: str, values: Mapping[str, object], *, choices: Choices) -> str:
    """Say which setting takes away a setting's effect, and what would give it back."""
    needed = SETTINGS[key].declared.only_with
    assert needed is not None
    value = values[needed.key]
    if needed.off is not None:
        if value != needed.off:  # the other setting has no effect itself
            return f"where {needed.key} has none."
        return f"with {needed.key} = {value!r}: set {needed.key}."
    names = _names(key, choices)
    known = ", ".join(names[:_MOST_NAMED]) + (" and others" if len(names) > _MOST_NAMED else "")
    return f"with {needed.key} = {value!r}: only with {known}."
