"""Trials and their order."""

from __future__ import annotations

from trainwell.search.trials.trial import INTERRUPTED, Trial, ValidationScores


def test_the_finished_come_before_the_stopped_and_what_diverged_last() -> None:
    trials = [
        Trial(0, {}, state="diverged"),
        Trial(1, {}, state="stopped", validation=ValidationScores(0.99, {"loss": 0.1}), epochs=1),
        Trial(2, {}, state="stopped", validation=ValidationScores(0.5, {"loss": 0.1}), epochs=3),
        Trial(3, {}, state="done", validation=ValidationScores(0.9, {"loss": 0.3})),
        Trial(4, {}, state="done", validation=ValidationScores(0.9, {"loss": 0.2})),
        Trial(5, {}, state="done", validation=ValidationScores(0.95, {"loss": 0.4})),
    ]
    assert [trial.number for trial in sorted(trials, key=lambda trial: trial.rank)] == [5, 4, 3, 2, 1, 0]


def test_a_trial_survives_being_written() -> None:
    scores = ValidationScores(0.5, {"loss": 1.0}, folds=(0.4, 0.6), rungs={1: 0.5})
    settings = {"nn.hidden": (4, 4), "seed": 1}
    trial = Trial(7, settings, state="stopped", validation=scores, epochs=1, seconds=2.0, reason="x")
    assert Trial.from_json(trial.to_json()) == trial == Trial.from_text(trial.text)


def test_a_trial_that_was_interrupted_is_known_by_its_reason() -> None:
    assert Trial(0, {}, state="stopped", reason=INTERRUPTED).is_interrupted
    assert not Trial(0, {}, state="diverged", reason="The loss is NaN.").is_interrupted
