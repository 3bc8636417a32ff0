"""What was asked plus presets is a complete recipe; every mistake is reported."""

from __future__ import annotations

import pytest

from trainwell.core.errors import DataError, RecipeError
from trainwell.fitting import gather, plan


def test_settings_of_a_recipe_file_and_edits_on_top(tmp_path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('seed = 5\n[data]\nsource = "iris"\n[train]\nepochs = 3\n')
    assert gather(path, {"train.epochs": 7}) == {"seed": 5, "data.source": "iris", "train.epochs": 7}


def test_mistakes_of_the_file_and_of_the_edits_come_together(tmp_path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("[optim]\nname = 'sdg'\n")
    with pytest.raises(RecipeError) as caught:
        gather(path, {"train.epochs": -1})
    assert len(caught.value.mistakes) == 2
    assert "Did you mean 'sgd'?" in caught.value.mistakes[0]


def test_what_is_given_wins_over_the_preset_and_has_no_reason() -> None:
    made = plan(gather("digits", {"optim.learning_rate": 0.5}))
    assert made.recipe.optim.learning_rate == 0.5
    assert "optim.learning_rate" not in made.reasons
    assert made.recipe.nn.model == "mlp" and "nn.model" in made.reasons


@pytest.mark.parametrize(
    ("source", "task"),
    [("digits", "classify"), ("iris", "classify"), ("breast-cancer", "binary"), ("diabetes", "regress")],
)
def test_the_task_is_found_out(source, task) -> None:
    assert plan(gather(source, {})).recipe.task.name == task


def test_two_classes_may_be_learned_by_softmax_and_classes_may_not_be_regressed() -> None:
    assert plan(gather("breast-cancer", {"task.name": "classify"})).recipe.task.name == "classify"
    with pytest.raises(
        RecipeError, match="task.name must be 'classify' or 'one_vs_rest' or 'one_vs_one' for the targets of"
    ):
        plan(gather("iris", {"task.name": "regress"}))


def test_a_setting_the_task_does_not_read_is_refused_and_not_set_by_default() -> None:
    with pytest.raises(RecipeError, match="task.label_smoothing must be 0 for the task 'regress', got 0.1"):
        plan(gather("diabetes", {"task.label_smoothing": 0.1}))
    assert plan(gather("digits", {"task.label_smoothing": 0.1})).recipe.task.label_smoothing == 0.1


def test_unknown_data() -> None:
    with pytest.raises(DataError, match="did you mean 'digits'"):
        plan(gather("digit", {}))
