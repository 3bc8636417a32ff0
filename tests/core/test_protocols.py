"""The rooms' own classes have the shapes that other rooms expect of them."""

from __future__ import annotations

import inspect

import pytest

from trainwell.core import protocols
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks import TASKS, TargetFacts


def names(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol) if not name.startswith("_")}


@pytest.mark.parametrize("name", list(TASKS))
def test_every_task_is_a_task(name: str) -> None:
    task = TASKS[name](TaskRecipe(), TargetFacts(outputs=3))
    assert all(hasattr(task, member) for member in names(protocols.Task))
    assert all(hasattr(task.tally(), member) for member in names(protocols.Tally))
