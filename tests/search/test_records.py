"""The state of a running search."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwell.recipe import Recipe, to_toml
from trainwell.search.records import Records, TimeEstimate
from trainwell.search.store import TrialStore, sqlite_url
from trainwell.search.study import RECIPE, Conclusions, Study, open_study
from trainwell.search.trials.trial import INTERRUPTED, Trial, ValidationScores


def trial(number: int, score: float) -> Trial:
    return Trial(number, {"seed": number}, state="done", validation=ValidationScores(score, {"loss": 1.0}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TrialStore]:
    with TrialStore(sqlite_url(tmp_path / "study.sqlite"), "s", identity={}) as opened:
        yield opened


def study(folder: Path, *trials: Trial) -> Study:
    (folder / RECIPE).write_text(to_toml(Recipe()))
    return Study(folder, {"main_score": "accuracy"}, trials=trials)


def test_the_leaders_are_the_five_best(tmp_path: Path, store: TrialStore) -> None:
    records = Records(study(tmp_path), store)
    records.add([trial(number, number / 10) for number in range(8)])
    records.add([Trial(8, {"seed": 8}, state="diverged", reason="NaN")])
    assert [leader.number for leader in records.leaders] == [7, 6, 5, 4, 3]
    assert len(records) == 9 and records.diverged == 1 and not records.any_open(range(9))


def test_an_interrupted_trial_is_open_and_is_replaced(tmp_path: Path, store: TrialStore) -> None:
    records = Records(study(tmp_path), store)
    records.add([dataclasses.replace(trial(0, 0.1), state="stopped", reason=INTERRUPTED)])
    assert records.is_open(0) and records.is_open(1)
    records.add([trial(0, 0.5)])
    assert not records.is_open(0) and records.trials == [trial(0, 0.5)]


def test_trials_that_only_study_json_has_are_added_to_the_database(tmp_path: Path, store: TrialStore) -> None:
    Records(study(tmp_path, trial(0, 0.5), trial(1, 0.6)), store)
    assert store.load() == [trial(0, 0.5), trial(1, 0.6)]


def test_trials_of_other_processes_are_taken_over_where_a_study_is_shared(tmp_path: Path, store: TrialStore) -> None:
    records = Records(study(tmp_path), store)
    store.add([trial(3, 0.5)])
    records.refresh()
    assert len(records) == 0
    store.shared = True
    records.refresh()
    assert records.trials == [trial(3, 0.5)]


def test_a_saved_study_keeps_what_is_not_given(tmp_path: Path, store: TrialStore) -> None:
    records = Records(study(tmp_path), store)
    records.add([trial(0, 0.5)])
    records.save(conclusions=Conclusions(importance={"seed": 1.0}))
    records.save(status="ok")
    found = open_study(tmp_path)
    assert found.status == "ok" and found.importance == {"seed": 1.0} and found.trials == (trial(0, 0.5),)


def test_the_time_left_follows_from_the_measured_speed() -> None:
    time = TimeEstimate(before=100.0)
    time.ahead = 10.0
    assert time.left == 0.0 and time.seconds >= 100
    time.add(work=2.0, seconds=6.0)
    assert time.seconds_per_training == 3.0 and time.ahead == 8.0
    assert time.left == pytest.approx(24.0, abs=0.5)
