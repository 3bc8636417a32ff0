"""The [task] section beside the others."""

from __future__ import annotations

from trainwell.recipe.schema import SETTINGS


def test_a_setting_that_the_task_does_not_read_is_refused(the_mistake) -> None:
    words = "task.label_smoothing must be 0 for the task 'regress', got 0.1"
    assert words in the_mistake({"task.name": "regress", "task.label_smoothing": 0.1})


def test_the_task_says_which_settings_it_reads() -> None:
    needed = SETTINGS["task.label_smoothing"].declared.only_with
    assert needed is not None and needed.key == "task.name" and needed.by_choice
