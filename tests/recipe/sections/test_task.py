"""The [task] section beside the others."""

from __future__ import annotations

from trainwell.recipe import flatten
from trainwell.recipe.schema import Recipe
from trainwell.recipe.sections.task import TaskRecipe, relations


def test_what_a_task_does_not_read_is_said_by_the_task_and_not_by_the_recipe() -> None:
    recipe = Recipe(task=TaskRecipe(name="regress", label_smoothing=0.1))
    assert list(relations(dict(flatten(recipe)))) == []
