from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.core.errors import DamagedError, StorageError
from trainwell.runs import Run, RunWriter, compare


def make(folder: Path, name: str, recipe: str, **scores: float) -> Path:
    with RunWriter.create(folder, name, recipe_text=recipe) as writer:
        writer.score(1, 1, split="test", scores=scores)
    return writer.path


def test_what_was_set_and_what_came_of_it_stand_side_by_side(tmp_path):
    a = make(
        tmp_path,
        "a",
        "seed = 1\n[optim]\nlearning_rate = 0.1\nname = 'sgd'\n[nn]\nhidden = [1, 2]",
        accuracy=0.5,
        old=1.0,
    )
    b = make(tmp_path, "b", "seed = 1\n[optim]\nlearning_rate = 0.01\nname = 'sgd'\n[train]\nepochs = 3", accuracy=0.75)
    found = compare(a, Run.open(b))
    assert found.names == ("a", "b")
    assert found.recipe == {
        "optim.learning_rate": (0.1, 0.01),
        "nn.hidden": ([1, 2], None),
        "train.epochs": (None, 3),
    }
    assert found.scores == {"test": {"accuracy": (0.5, 0.75), "old": (1.0, None)}}
    assert found.difference("test", "accuracy") == 0.25
    assert found.difference("test", "old") is None and found.difference("validation", "accuracy") is None


def test_a_run_does_not_differ_from_itself(tmp_path):
    a = make(tmp_path, "a", "seed = 1", accuracy=0.5)
    found = compare(a, a)
    assert found.recipe == {} and found.difference("test", "accuracy") == 0.0


def test_what_cannot_be_compared_is_named(tmp_path):
    a = make(tmp_path, "a", "seed = 1")
    with pytest.raises(StorageError, match="There is no run at .*absent"):
        compare(a, tmp_path / "absent")
    (a / "recipe.toml").write_text("seed = ")
    with pytest.raises(DamagedError, match="recipe.toml must be TOML"):
        compare(a, a)
