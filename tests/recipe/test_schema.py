"""A recipe is frozen data in which every setting explains itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from trainwell.recipe.schema import SETTINGS, Recipe, flatten, unflatten


@pytest.mark.parametrize("key", list(SETTINGS))
def test_every_setting_has_a_meaning_and_a_default_within_its_limits(key: str) -> None:
    entry = SETTINGS[key]
    assert entry.meaning
    assert entry.limits.catalogue or entry.limits.allow(entry.default)


def test_a_recipe_is_frozen_all_the_way_down() -> None:
    with pytest.raises(FrozenInstanceError):
        Recipe().seed = 1
    with pytest.raises(FrozenInstanceError):
        Recipe().optim.learning_rate = 1.0


def test_flatten_and_unflatten_are_inverse() -> None:
    recipe = unflatten({"seed": 5, "nn.hidden": (3, 4), "data.source": "iris"})
    assert unflatten(dict(flatten(recipe))) == recipe
    assert set(dict(flatten(recipe))) == set(SETTINGS)


def test_the_keys_that_scripts_rely_on_are_there() -> None:
    assert {
        "seed", "optim.name", "optim.learning_rate", "train.epochs", "train.batch_size", "train.checkpoint_seconds",
        "nn.model",
    } <= set(SETTINGS)  # fmt: skip
