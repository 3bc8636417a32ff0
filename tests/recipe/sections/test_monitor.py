"""The [watch] section: its table keeps its name in recipes that exist."""

from __future__ import annotations

from trainwell.recipe import parse_settings, unflatten
from trainwell.recipe.sections import MonitorRecipe


def test_the_table_of_old_recipes_is_read() -> None:
    assert unflatten(parse_settings("[watch]\nbudget = 0.05")).watch == MonitorRecipe(budget=0.05)
