"""tune from Python: one winner, honestly chosen."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from trainwell.core.errors import DivergedError, LockedError, StorageError, TrainingError, TrainwellError, UsageError
from trainwell.recipe import load_recipe
from trainwell.runs import Run, RunLock
from trainwell.search import Compute, FinalEvaluation, NoDisplay, Options, StopRule, open_study, resume_study, tune

RATE = {"optim.learning_rate": "log:1e-4..0.1"}
EDITS = {"train.epochs": 3, "nn.hidden": (8,)}


NO_WINNER = FinalEvaluation(repeats=0, train_winner=False)


def quick(edits=EDITS, **more: object) -> Options:
    return Options(edits, **{"name": "s", "evaluation": FinalEvaluation(repeats=0)} | more)


def test_the_winner_is_chosen_on_validation_and_tested_once(tmp_path: Path) -> None:
    study = tune("iris", RATE, trials=12, runs=tmp_path, options=quick(evaluation=FinalEvaluation(repeats=2)))
    assert study == open_study(tmp_path / "s")
    assert study.status == "ok" and study.winner.test_looks == 1 and len(study.trials) == 12
    assert all("test" not in trial.scores for trial in study.trials)
    run = Run.open(tmp_path / study.run)
    assert run.scores["test"] == study.winner.test
    assert load_recipe(tmp_path / "s" / "winner.toml") == study.best_recipe == run.recipe
    assert study.best_recipe.optim.learning_rate == study.best.settings["optim.learning_rate"]
    assert len(study.conclusions.noise["winner"]) == 2


def test_a_search_repeats_itself(tmp_path: Path) -> None:
    both = [
        tune(
            "iris",
            RATE,
            trials=9,
            runs=tmp_path,
            options=quick(name=name, evaluation=NO_WINNER, compute=Compute(engine="population")),
        )
        for name in "ab"
    ]
    assert [t.settings for t in both[0].trials] == [t.settings for t in both[1].trials]
    assert [t.score for t in both[0].trials] == [t.score for t in both[1].trials]


def test_folds_give_mean_and_spread(tmp_path: Path) -> None:
    study = tune("iris", RATE, trials=4, folds=5, runs=tmp_path, options=quick())
    for trial in study.trials:
        assert len(trial.folds) == 5 and trial.score == pytest.approx(np.mean(trial.folds))
    assert study.winner.test_looks == 1


def test_all_trials_diverging_is_a_finding(tmp_path: Path) -> None:
    space = {"optim.learning_rate": "log:1e20..1e30"}
    edits = {**EDITS, "optim.name": "sgd", "optim.warmup": 0.0}
    with pytest.raises(DivergedError, match="All 8 trials diverged; the smallest learning rate tried was") as caught:
        tune("iris", space, trials=8, runs=tmp_path, options=quick(edits))
    assert caught.value.exit_code == 3 and caught.value.run == tmp_path / "s"
    study = open_study(tmp_path / "s")
    assert [finding.rule for finding in study.findings] == ["every_trial_diverged"]
    assert len(study.trials) == 8 and not study.run and study.winner.test_looks == 0


def test_some_trials_diverging_costs_only_them(tmp_path: Path) -> None:
    edits = {**EDITS, "optim.name": "sgd", "optim.warmup": 0.0}
    space = {"optim.learning_rate": [1e-3, 1e30, 1e-2, 1e29]}
    study = tune("iris", space, trials=4, method="grid", runs=tmp_path, options=quick(edits, evaluation=NO_WINNER))
    assert [trial.state for trial in study.trials] == ["done", "diverged", "done", "diverged"]
    assert all(trial.reason for trial in study.trials if trial.state == "diverged")


def test_arrays_and_an_own_network_can_be_searched(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)

    def model(recipe, facts, outputs) -> nn.Module:
        return nn.Sequential(nn.Linear(facts.shape[0], 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, outputs))

    study = tune((x, y), RATE, trials=6, runs=tmp_path, options=quick({"train.epochs": 3}, model=model))
    assert study.best.score > 0.5 and study.winner.test_looks == 1
    with pytest.raises(UsageError, match="name or path of data"):
        tune(3, RATE, runs=tmp_path)


def test_a_seed_may_vary_but_is_not_chosen(tmp_path: Path) -> None:
    study = tune(
        "iris", {"seed": [1, 2, 3, 4]}, trials=4, method="grid", runs=tmp_path, options=quick(evaluation=NO_WINNER)
    )
    assert study.best_recipe.seed == 0 and len({trial.score for trial in study.trials}) > 1


def test_time_runs_out_and_resume_goes_on(tmp_path: Path) -> None:
    slow = quick({**EDITS, "train.epochs": 40}, compute=Compute(engine="sequential"), stop=StopRule(seconds=0.4))
    try:
        study = tune("iris", RATE, trials=40, method="sobol", runs=tmp_path, options=slow)
        assert study.status == "stopped" and 0 < len(study.trials) < 40 and study.winner.test_looks == 1
    except TrainingError:  # a very busy machine finished nothing
        study = open_study(tmp_path / "s")
        assert study.status == "stopped"
    kept = study.trials
    done = resume_study(tmp_path / "s", options=Options(evaluation=FinalEvaluation(repeats=0)))
    assert done.status == "ok" and len(done.trials) == 40 and done.trials[: len(kept)] == kept
    assert done.seconds > study.seconds
    with pytest.raises(UsageError, match="finished"):
        resume_study(tmp_path / "s")


def test_of_processes_that_share_a_study_the_first_to_finish_looks_at_the_test_split(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    both = [
        tune("iris", RATE, trials=4, runs=tmp_path / name, options=quick(compute=Compute(storage=storage)))
        for name in ("one", "two")
    ]
    assert [study.winner.test_looks for study in both] == [1, 1] and both[0].winner.test == both[1].winner.test != {}
    assert both[1].run == "../one/s-winner" and not (tmp_path / "two" / "s-winner").exists()


def test_a_process_that_began_to_train_the_winner_and_died_is_not_awaited_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainwell.search.winner._WAIT_SECONDS", 0.0)
    storage = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    dead = tune(
        "iris",
        RATE,
        trials=4,
        runs=tmp_path / "dead",
        options=quick(compute=Compute(storage=storage), evaluation=NO_WINNER),
    )
    task = f"winner-{hashlib.sha256((dead.path / 'winner.toml').read_bytes()).hexdigest()[:16]}"
    with contextlib.closing(sqlite3.connect(tmp_path / "shared.sqlite")) as db, db:
        db.execute("INSERT INTO trainwell_claims VALUES ('s', ?, 'another-host-1')", (task,))
    study = tune("iris", RATE, trials=4, runs=tmp_path / "own", options=quick(compute=Compute(storage=storage)))
    assert study.winner.test_looks == 1 and study.run == "s-winner" and study.winner.test


def test_a_winner_that_could_not_be_trained_is_free_for_others(tmp_path: Path) -> None:
    table, address = tmp_path / "t.csv", f"sqlite:///{tmp_path / 'shared.sqlite'}"
    table.write_text("a,b,target\n" + "".join(f"{i % 7},{i % 5},{'xy'[i % 2]}\n" for i in range(80)))

    class Removes(NoDisplay):
        def say(self, sentence: str) -> None:
            if sentence.startswith("Training the winner as fit does"):
                table.unlink()

    with pytest.raises(TrainwellError):
        tune(
            str(table),
            RATE,
            trials=2,
            runs=tmp_path,
            options=quick(compute=Compute(storage=address), display=Removes()),
        )
    with contextlib.closing(sqlite3.connect(tmp_path / "shared.sqlite")) as db:
        assert db.execute("SELECT * FROM trainwell_claims WHERE task LIKE 'winner-%'").fetchall() == []


def test_a_study_whose_database_is_lost_goes_on_with_its_own_trials(tmp_path: Path) -> None:
    study = tune("iris", RATE, trials=4, runs=tmp_path, options=quick(evaluation=NO_WINNER))
    marked = (study.path / "study.json").read_text().replace('"status": "ok"', '"status": "stopped"')
    (study.path / "study.json").write_text(marked)
    for path in study.path.glob("study.sqlite*"):
        path.unlink()
    assert resume_study(study.path, options=Options(evaluation=NO_WINNER)).trials == study.trials


def test_what_was_asked_is_asked_again_on_resume_and_what_trains_apart_is_named(tmp_path: Path) -> None:
    space = RATE | {"nn.hidden": [(8,), (4,)]}
    asked = quick(
        evaluation=FinalEvaluation(repeats=2, nested=2, train_winner=False), compute=Compute(engine="population")
    )
    study = tune("iris", space, trials=4, method="sobol", runs=tmp_path, options=asked)
    assert study.execution.why.endswith("configurations that differ in nn.hidden train separately")
    assert "mean" in study.conclusions.nested
    file = study.path / "study.json"
    written = json.loads(file.read_text()) | {"status": "stopped", "nested": {}, "noise": {}}
    file.write_text(json.dumps(written))
    again = resume_study(study.path, options=Options(evaluation=FinalEvaluation(train_winner=False)))
    assert again.conclusions.nested == study.conclusions.nested
    assert again.conclusions.noise == study.conclusions.noise


def test_one_choice_that_trains_alone_does_not_keep_the_others_from_training_together(tmp_path: Path) -> None:
    space = RATE | {"train.ema": [0.0, 0.9]}
    study = tune("iris", space, trials=9, method="sobol", runs=tmp_path, options=quick(evaluation=NO_WINNER))
    assert study.engine == "population" and len({trial.settings["train.ema"] for trial in study.trials}) == 2


def test_a_taken_name_a_locked_study_and_changed_data_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "\n".join(f"{i % 13},{'xy'[i % 2]}" for i in range(80)))
    study = tune(str(table), RATE, trials=2, runs=tmp_path, options=quick(evaluation=NO_WINNER))
    with pytest.raises(UsageError, match="taken"):
        tune(str(table), RATE, trials=2, runs=tmp_path, options=quick())
    text = (study.path / "study.json").read_text().replace('"status": "ok"', '"status": "stopped"')
    (study.path / "study.json").write_text(text)
    with RunLock(study.path), pytest.raises(LockedError):
        resume_study(study.path)
    table.write_text(table.read_text().replace("3,y", "4,y"))
    with pytest.raises(StorageError, match="have changed"):
        resume_study(study.path)


@pytest.mark.parametrize("wrong", [{"cluster": "spark"}, {"workers": -1}, {"engine": "quantum"}], ids=str)
def test_what_is_refused_at_once_leaves_nothing_behind(tmp_path: Path, wrong) -> None:
    with pytest.raises(UsageError):
        tune("iris", RATE, trials=4, runs=tmp_path, options=quick(compute=Compute(**wrong)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_workers_find_what_one_finds(tmp_path: Path) -> None:
    one, two = (
        tune(
            "iris",
            RATE,
            trials=9,
            runs=tmp_path,
            options=quick(name=f"w{n}", evaluation=NO_WINNER, compute=Compute(workers=n, engine="population")),
        )
        for n in (1, 2)
    )
    assert [t.settings for t in one.trials] == [t.settings for t in two.trials]
    assert [t.score for t in one.trials] == pytest.approx([t.score for t in two.trials], abs=0.05)


def test_a_better_space_finds_a_better_network(tmp_path: Path) -> None:
    """On data whose best rate is known: what is found lies near it and beats the worst by far."""
    study = tune("digits", {"optim.learning_rate": "log:1e-6..1e-1"}, trials=16, method="sobol", runs=tmp_path,
                 options=quick({**EDITS, "nn.hidden": (16,), "nn.dropout": 0.0}, evaluation=NO_WINNER))  # fmt: skip
    assert study.best.settings["optim.learning_rate"] > 1e-3
    assert study.best.score > 0.8 and min(t.score for t in study.trials if t.score) < 0.4


def _tried(path: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM trainwell_trials").fetchone()[0]
    except sqlite3.Error:  # not made yet
        return 0


def test_an_interrupt_keeps_what_is_finished(tmp_path: Path) -> None:
    code = (
        "from trainwell.search import Compute, Options, tune\n"
        "tune('iris', {'optim.learning_rate': 'log:1e-4..0.1'}, trials=5000, method='sobol', runs='.',\n"
        "     options=Options({'train.epochs': 20}, name='s', compute=Compute(engine='sequential')))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not _tried(tmp_path / "s" / "study.sqlite") and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "Interrupted" in said
    study = open_study(tmp_path / "s")
    assert len(study.trials) > 0 and math.isfinite(study.trials[0].score)
