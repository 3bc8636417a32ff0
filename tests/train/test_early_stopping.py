"""The best weights, and stopping for a reason."""

from __future__ import annotations

import math


def test_the_best_weights_come_back(make) -> None:
    session = make(epochs=6, learning_rate=0.05, ema=0.0, augment=False, checkpoint_seconds=1e9).run()
    series = session.notes.signals["score/validation/accuracy"].values
    losses = session.notes.signals["loss/validation"].values
    best = max(range(6), key=lambda epoch: (series[epoch], -losses[epoch]))
    session.checkpoints.contents.use_final_weights()
    assert session.state.validation.best_epoch == best + 1
    evaluation = session.after_step.epoch_end.evaluation
    assert evaluation.score(evaluation.splits["validation"])["accuracy"] == series[best]


def test_patience_stops_the_run_and_says_why(make) -> None:
    session = make(epochs=50, patience=2, learning_rate=1e-9, ema=0.0, checkpoint_seconds=1e9).run()
    assert session.state.epoch < 50
    assert "no better validation accuracy for 2 epochs" in session.state.stop
    assert ("stopped", {"why": session.state.stop}) in session.notes.events


def test_a_score_that_is_not_a_number_is_never_the_best(make) -> None:
    session = make(epochs=1)
    session.after_step.epoch_end.judge(session.state, {"accuracy": math.nan, "loss": math.nan})
    assert session.best.weights is None
    session.after_step.epoch_end.judge(session.state, {"accuracy": 0.1, "loss": 2.0})
    assert session.best.weights is not None


def test_equal_scores_are_decided_by_the_loss(make) -> None:
    session = make(epochs=1)
    for epoch, loss in [(1, 0.5), (2, 0.6), (3, 0.4)]:
        session.state.epoch = epoch
        session.after_step.epoch_end.judge(session.state, {"accuracy": 1.0, "loss": loss})
    assert session.state.validation.best_epoch == 3


def test_the_rate_drops_on_a_plateau_and_a_resumed_run_drops_at_the_same_step(make) -> None:
    """docs/curriculum.md, F1: with a rate of next to nothing the score never rises, so that a drop must come."""

    def flat(folder):
        return make(folder, epochs=6, learning_rate=1e-9, plateau={"epochs": 2, "factor": 0.1})

    whole = flat("whole").run()
    assert 0.001 < whole.state.reduction.rate_factor < 1
    flat("cut").run(steps=17)
    resumed = flat("cut").resume().run()
    assert resumed.state == whole.state
    assert resumed.digest() == whole.digest()
