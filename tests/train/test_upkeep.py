"""Exact resume at every step, the best weights, and stopping for a reason."""

from __future__ import annotations

import math
import os
import signal

import pytest
import torch

from trainwell.core.errors import DamagedError, DivergedError, Interrupted, StorageError
from trainwell.train import Interrupt, train

STEPS = 15  # 3 epochs of 75 examples in batches of 16, the last one smaller


@pytest.fixture
def reference(make):
    return make("reference").run()


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_run_that_dies_after_any_step_continues_bit_for_bit(make, reference, step) -> None:
    make("run").run(steps=step)
    resumed = make("run").resume().run()
    assert resumed.state.step == STEPS
    assert resumed.digest() == reference.digest()


def test_a_resume_of_a_resume_at_every_step(make, reference) -> None:
    make("run").run(steps=1)
    for step in range(2, STEPS + 1):
        session = make("run").resume().run(steps=step)
    assert session.digest() == reference.digest()


def test_the_number_of_workers_may_change_on_resume(make, reference) -> None:
    make("run", workers=0).run(steps=4)
    make("run", workers=3).resume().run(steps=9)
    assert make("run", workers=1).resume().run().digest() == reference.digest()


def test_a_resumed_run_records_what_the_uninterrupted_one_did(make, reference) -> None:
    make("run").run(steps=7)
    resumed = make("run").resume().run()
    for name in ("loss/train_epoch", "loss/validation", "score/validation/accuracy", "learning_rate"):
        assert resumed.notes.signals[name].values == reference.notes.signals[name].values[1:]


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(make, reference, tmp_path) -> None:
    make("run").run(steps=9)
    weights = tmp_path / "run" / "step-000009" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 16
    weights.write_bytes(data)
    resumed = make("run").resume()
    assert resumed.state.step == 8
    assert "step-000009" in resumed.skipped[0]
    assert resumed.run().digest() == reference.digest()


def test_another_networks_checkpoint_is_one_sentence(make) -> None:
    make("run").run(steps=2)
    with pytest.raises(DamagedError, match="does not fit this run's recipe"):
        make("run", model=torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))).resume()


def test_nothing_to_resume_from(make) -> None:
    with pytest.raises(StorageError):
        make("run").resume()


def test_the_best_weights_come_back(make) -> None:
    session = make(epochs=6, learning_rate=0.05, ema=0.0, augment=False, checkpoint_seconds=1e9).run()
    series = session.notes.signals["score/validation/accuracy"].values
    losses = session.notes.signals["loss/validation"].values
    best = max(range(6), key=lambda epoch: (series[epoch], -losses[epoch]))
    session.upkeep.finish()
    assert session.state.best_epoch == best + 1
    assert session.upkeep._score(session.upkeep.validation)["accuracy"] == series[best]


def test_patience_stops_the_run_and_says_why(make) -> None:
    session = make(epochs=50, patience=2, learning_rate=1e-9, ema=0.0, checkpoint_seconds=1e9).run()
    assert session.state.epoch < 50
    assert "no better validation accuracy for 2 epochs" in session.state.stop
    assert ("stopped", {"why": session.state.stop}) in session.notes.events


def test_a_score_that_is_not_a_number_is_never_the_best(make) -> None:
    session = make(epochs=1)
    session.upkeep._compare(session.state, {"accuracy": math.nan, "loss": math.nan})
    assert session.upkeep.best is None
    session.upkeep._compare(session.state, {"accuracy": 0.1, "loss": 2.0})
    assert session.upkeep.best is not None


def test_equal_scores_are_decided_by_the_loss(make) -> None:
    session = make(epochs=1)
    for epoch, loss in [(1, 0.5), (2, 0.6), (3, 0.4)]:
        session.state.epoch = epoch
        session.upkeep._compare(session.state, {"accuracy": 1.0, "loss": loss})
    assert session.state.best_epoch == 3


def test_divergence_stops_before_the_weights_are_touched(make) -> None:
    with pytest.raises(DivergedError, match="learning rate was"):
        session = make(learning_rate=1e30, clip_norm=0.0, ema=0.0, optim="sgd")
        session.run()
    assert all(torch.isfinite(p).all() for p in session.job.model.parameters()) or session.state.step >= 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_saves_and_leaves(make, reference, number, code) -> None:
    with Interrupt() as interrupt:
        session = make("run", interrupt=interrupt, checkpoint_seconds=1e9)
        with pytest.raises(Interrupted) as caught:
            for moment in train(session.job, session.state):
                if moment.step == 6:
                    os.kill(os.getpid(), number)
    assert session.state.step == 7
    assert caught.value.exit_code == code
    assert make("run").resume().run().digest() == reference.digest()


def test_a_signal_during_evaluation_saves_and_the_evaluation_is_done_on_resume(make, reference) -> None:
    with Interrupt() as interrupt:
        session = make("run", interrupt=interrupt, checkpoint_seconds=1e9)
        before = session.upkeep._score
        calls = []

        def score(batches):
            calls.append(1)
            if len(calls) == 3:  # the second epoch's first evaluation
                os.kill(os.getpid(), signal.SIGTERM)
            return before(batches)

        session.upkeep._score = score
        with pytest.raises(Interrupted):
            session.run()
    assert session.state.epoch == 2 and session.state.evaluated == 1
    resumed = make("run").resume().run()
    assert resumed.digest() == reference.digest()
    assert len(resumed.notes.signals["loss/validation"]) == 2


def test_checkpoints_are_spaced_by_time(make) -> None:
    session = make(checkpoint_seconds=1e9).run()
    assert not [kind for kind, _ in session.notes.events if kind == "checkpoint"]
    session.upkeep.save(session.state)
    session.upkeep.save(session.state)  # the same step once only
    assert len([kind for kind, _ in session.notes.events if kind == "checkpoint"]) == 1


def test_the_rate_drops_on_a_plateau_and_a_resumed_run_drops_at_the_same_step(make) -> None:
    """Curriculum F1: with a rate of next to nothing the score never rises, so that a drop must come."""

    def flat(folder):
        session = make(folder, epochs=6, learning_rate=1e-9)
        session.upkeep.plateau = (2, 0.1)
        return session

    whole = flat("whole").run()
    assert 0.001 < whole.state.rate_factor < 1
    flat("cut").run(steps=17)
    resumed = flat("cut").resume().run()
    assert resumed.state == whole.state
    assert resumed.digest() == whole.digest()
