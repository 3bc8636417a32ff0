"""The final training of the best configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.search.test_loop import nothing, search_in

from trainwell.core.errors import TrainingError
from trainwell.recipe import load_recipe
from trainwell.search.options import FinalEvaluation, Options
from trainwell.search.study import open_study
from trainwell.search.winner import finish


def test_the_winner_is_trained_once_however_often_the_search_ends(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    search = search_in(folder, 4, method="sobol")
    search.run(nothing)
    study = finish(search, "iris", options=Options(), status="ok", check=nothing)
    assert study.run == "s-winner" and study.winner.test_looks == 1 and "accuracy" in study.winner.test
    assert load_recipe(folder / "winner.toml") == study.best_recipe
    again = finish(search, "iris", options=Options(), status="ok", check=nothing)
    assert again.winner == study.winner and not (tmp_path / "s-winner-2").exists()


def test_without_the_final_training_only_the_recipe_is_written(tmp_path: Path) -> None:
    search = search_in(tmp_path, 4, method="sobol")
    search.run(nothing)
    options = Options(evaluation=FinalEvaluation(train_winner=False))
    study = finish(search, "iris", options=options, status="stopped", check=nothing)
    assert study.status == "stopped" and not study.run and (tmp_path / "winner.toml").is_file()


def test_a_search_without_a_finished_trial_has_no_winner(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No trial was finished") as caught:
        finish(search_in(tmp_path, 4), "iris", options=Options(), status="stopped", check=nothing)
    assert caught.value.run == tmp_path and open_study(tmp_path).status == "stopped"
