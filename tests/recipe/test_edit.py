"""An edit changes what it names and nothing else, and can be undone."""

from __future__ import annotations

import pytest

from trainwell.core.errors import RecipeError
from trainwell.recipe.edit import differences, edit
from trainwell.recipe.schema import Recipe


def test_an_edit_is_a_diff_and_can_be_undone() -> None:
    before = Recipe()
    after = edit(before, {"optim.name": "sgd", "train.epochs": 3})
    changed = differences(before, after)
    assert changed == {"optim.name": ("adamw", "sgd"), "train.epochs": (20, 3)}
    assert edit(after, {key: old for key, (old, _) in changed.items()}) == before


def test_a_wrong_edit_changes_nothing() -> None:
    with pytest.raises(RecipeError):
        edit(Recipe(), {"train.epochs": -1})
