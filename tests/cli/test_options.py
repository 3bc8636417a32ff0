"""What several commands share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainwell.cli.options import find_run, print_json, read_settings
from trainwell.core.errors import RecipeError


def test_edits_are_read_and_all_mistakes_come_at_once() -> None:
    assert read_settings(["seed=3", "optim.name=sgd"]) == {"seed": 3, "optim.name": "sgd"}
    assert read_settings(None, epochs=None) == {}
    assert read_settings(["train.epochs=3"], epochs=5, learning_rate=0.1) == {
        "train.epochs": 5,
        "optim.learning_rate": 0.1,
    }
    with pytest.raises(RecipeError) as caught:
        read_settings(["a", "b"])
    assert len(caught.value.mistakes) == 2


def test_a_run_is_found_by_path_or_by_name(tmp_path) -> None:
    (tmp_path / "runs" / "a").mkdir(parents=True)
    assert find_run("a", tmp_path / "runs") == tmp_path / "runs" / "a"
    assert find_run(str(tmp_path / "runs" / "a"), tmp_path) == tmp_path / "runs" / "a"
    assert str(find_run("nothing", tmp_path)) == "nothing"


def test_json_is_strict(capsys) -> None:
    print_json({"x": [float("nan"), 1.5], "y": (float("-inf"),), "z": {"a": float("inf")}})
    assert json.loads(capsys.readouterr().out) == {"x": [None, 1.5], "y": [None], "z": {"a": None}}


def test_data_of_the_same_name_do_not_hide_a_run(tmp_path, monkeypatch) -> None:
    (tmp_path / "runs" / "odd").mkdir(parents=True)
    (tmp_path / "odd").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_run("odd", Path("runs")) == Path("runs/odd")
    (tmp_path / "odd" / "recipe.toml").touch()
    assert find_run("odd", Path("runs")) == Path("odd")
