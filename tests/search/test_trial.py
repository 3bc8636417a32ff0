"""Trials and their order."""

from __future__ import annotations

from trainwell.search.trial import Trial


def test_the_finished_come_before_the_stopped_and_what_diverged_last() -> None:
    trials = [
        Trial(0, {}, "diverged"),
        Trial(1, {}, "stopped", 0.99, {"loss": 0.1}, epochs=1),
        Trial(2, {}, "stopped", 0.5, {"loss": 0.1}, epochs=3),
        Trial(3, {}, "done", 0.9, {"loss": 0.3}),
        Trial(4, {}, "done", 0.9, {"loss": 0.2}),
        Trial(5, {}, "done", 0.95, {"loss": 0.4}),
    ]
    assert [trial.number for trial in sorted(trials, key=lambda trial: trial.rank)] == [5, 4, 3, 2, 1, 0]


def test_a_trial_survives_being_written() -> None:
    trial = Trial(7, {"nn.hidden": (4, 4), "seed": 1}, "stopped", 0.5, {"loss": 1.0}, (0.4, 0.6), {1: 0.5}, 1, 2.0, "x")
    assert Trial.from_json(trial.to_json()) == trial
