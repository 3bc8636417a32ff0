"""Settings that have an effect only beside certain values of other settings, as their sections declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainwell.recipe.schema import SETTINGS, Recipe, flatten

_MOST_NAMED = 6  # values listed in a message


def holds(key: str, values: Mapping[str, object]) -> bool:
    """Tell whether a setting has an effect beside the values of other settings, where those are known.

    >>> holds("nn.dropout", {"nn.model": "logistic"}), holds("nn.dropout", {}), holds("seed", {})
    (False, True, True)
    """
    needed = SETTINGS[key].declared.only_with
    if needed is None or needed.key not in values:
        return True
    value = values[needed.key]
    if needed.names:
        return not value or needed.met(value)  # an empty name is one that is not known yet
    return needed.met(value) and holds(needed.key, values)


def without_effect(recipe: Recipe, *, validated: bool = True) -> Iterator[str]:
    """Yield one sentence for each setting that differs from its default and still has no effect.

    Args:
        recipe: all settings.
        validated: whether there is a validation split.

    >>> from trainwell.recipe import edit
    >>> list(without_effect(edit(Recipe(), {"nn.model": "logistic", "nn.hidden": (8,)})))
    ["nn.hidden = (8,) has no effect with nn.model = 'logistic': only with mlp."]
    """
    values = dict(flatten(recipe))
    for key, value in values.items():
        if value != SETTINGS[key].default and not holds(key, values):
            yield f"{key} = {value!r} has no effect {_beside(key, values)}"
    if recipe.train.patience and not validated:
        yield f"train.patience = {recipe.train.patience} has no effect without validation: set data.validation."


def _beside(key: str, values: Mapping[str, object]) -> str:
    """Say which setting takes a setting's effect away, and what would give it back."""
    needed = SETTINGS[key].declared.only_with
    assert needed is not None
    with_value = f"with {needed.key} = {values[needed.key]!r}"
    if not needed.names:
        return (
            f"{with_value}: set {needed.key}."
            if not needed.met(values[needed.key])
            else f"where {needed.key} has none."
        )
    known = ", ".join(needed.names[:_MOST_NAMED])
    return f"{with_value}: only with {known}{' and others' if len(needed.names) > _MOST_NAMED else ''}."
