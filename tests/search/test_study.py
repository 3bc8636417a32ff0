"""A search on disk."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, to_toml
from trainwell.runs import RunLock
from trainwell.search.study import RECIPE, STUDY, Conclusions, Execution, Study, free_name, open_study
from trainwell.search.trials.trial import Trial, ValidationScores


def study(folder: Path, count: int = 3) -> Study:
    (folder / RECIPE).write_text(to_toml(Recipe(seed=3)))
    trials = tuple(
        Trial(
            n,
            {"optim.learning_rate": 0.1 + n, "seed": 9},
            state="done",
            validation=ValidationScores(n / count, {"loss": 1.0, "accuracy": n / count}),
        )
        for n in range(count)
    )
    finding = Finding("best_at_edge", Severity.WARNING, "x", evidence={"a": 1.0}, where=("a",))
    return Study(
        folder,
        {"method": "sobol", "main_score": "accuracy"},
        trials=trials,
        execution=Execution("population", "fast"),
        conclusions=Conclusions((finding,)),
    )


def test_a_study_is_read_back_as_it_was(tmp_path: Path) -> None:
    written = study(tmp_path)
    written.save()
    with RunLock(tmp_path):
        assert open_study(tmp_path) == written
    assert open_study(tmp_path).status == "stopped"  # whoever searched was killed


def test_the_winner_keeps_the_seed_of_the_study(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert found.best and found.best.number == 2
    assert found.best_recipe.seed == 3 and found.best_recipe.optim.learning_rate == 2.1


def test_json_says_what_the_command_promises(tmp_path: Path) -> None:
    data = study(tmp_path).to_json()
    assert {"engine", "trials", "best", "importance", "seconds", "findings"} <= data.keys()
    assert data["best"]["scores"].keys() == {"validation", "test"} and data["trials"] == 3
    empty = Study(tmp_path, {}).to_json()
    assert empty["best"]["recipe"] is None and empty["trials"] == 0


def test_no_study_and_a_damaged_one_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="must be the folder of a study"):
        open_study(tmp_path)
    for text in ("{", "[]", '{"format": 99}', '{"format": 1}', '{"format": 1, "trials": [1]}'):
        (tmp_path / STUDY).write_text(text)
        with pytest.raises(DamagedError) as caught:
            open_study(tmp_path)
        assert "\n" not in str(caught.value)


def test_ten_thousand_trials_open_at_once(tmp_path: Path) -> None:
    study(tmp_path, 10_000).save()
    started = time.process_time()
    assert len(open_study(tmp_path).ranked) == 10_000
    assert time.process_time() - started < 2


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    assert free_name(tmp_path, "s") == "s"
    for taken, free in (("s", "s-2"), ("s-2", "s-3")):
        (tmp_path / taken).mkdir()
        assert free_name(tmp_path, "s") == free
