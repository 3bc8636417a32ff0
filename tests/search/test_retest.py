"""Old choices on today's data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.recipe import Recipe, edit
from trainwell.search import FinalEvaluation, Options, open_study
from trainwell.search.retest import neighbourhood, retest, verdict
from trainwell.search.study import Conclusions, Study
from trainwell.search.trials.trial import Trial, ValidationScores

QUICK = Options(evaluation=FinalEvaluation(repeats=0, train_winner=False))


def test_a_run_is_tried_again_with_its_neighbours(tmp_path: Path) -> None:
    edits = {"nn.hidden": (8,), "nn.dropout": 0.0, "optim.learning_rate": 3e-5}
    run = tw.fit("iris", epochs=4, edits=edits, runs=tmp_path, name="old")
    study = retest(run.path, runs=tmp_path, options=QUICK)
    assert study.path.name == "old-retest" and len(study.trials) == 9
    assert study.trials[0].settings == {"optim.learning_rate": 3e-5, "optim.weight_decay": 0.01}
    assert study.best.settings["optim.learning_rate"] == pytest.approx(9e-5)
    assert study.findings[0].rule.startswith("old_choice") and study == open_study(study.path)
    again = retest(run.path, runs=tmp_path, options=QUICK)
    assert again.path.name == "old-retest-2"


def test_neighbours_stay_valid() -> None:
    for dropout in (0.05, 0.9):
        around = neighbourhood(edit(Recipe(), {"nn.dropout": dropout}))["nn.dropout"]
        assert around[0] == dropout and all(0 <= value < 1 for value in around)
    assert "optim.weight_decay" not in neighbourhood(edit(Recipe(), {"optim.weight_decay": 0.0}))


@pytest.mark.parametrize(
    ("old", "new", "noise", "rule"),
    [
        (0.9, 0.95, 0.0, "old_choice_beaten"),
        (0.9, 0.91, 0.01, "old_choice_holds"),
        (0.9, 0.8, 0.0, "old_choice_holds"),
        (None, 0.8, 0.0, "old_choice_fails"),
    ],
)
def test_the_verdict_weighs_the_gain_against_the_noise(old, new, noise, rule) -> None:
    trials = tuple(
        Trial(
            number,
            {"optim.learning_rate": rate},
            state="diverged" if score is None else "done",
            validation=ValidationScores(score, {"loss": 1.0}),
        )
        for number, (rate, score) in enumerate([(0.1, old), (0.3, new)])
    )
    study = Study(Path(), {}, trials=trials, conclusions=Conclusions(noise={"deviation": noise}))
    assert verdict(study, {"optim.learning_rate": [0.1, 0.3]}).rule == rule


def test_a_run_on_arrays_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    run = tw.fit((x, (x[:, 0] > 0).astype(int)), epochs=1, runs=tmp_path)
    with pytest.raises(UsageError, match="from Python"):
        retest(run.path, runs=tmp_path)
