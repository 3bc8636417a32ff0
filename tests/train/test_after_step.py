"""What happens between two steps: evaluation, records and signals."""

from __future__ import annotations

import os
import signal

import pytest

from trainwell.core.errors import Interrupted
from trainwell.train import Interrupt, train


@pytest.fixture
def reference(make):
    return make("reference").run()


def test_a_resumed_run_records_what_the_uninterrupted_one_did(make, reference) -> None:
    make("run").run(steps=7)
    resumed = make("run").resume().run()
    for name in ("loss/train_epoch", "loss/validation", "score/validation/accuracy", "learning_rate"):
        assert resumed.notes.signals[name].values == reference.notes.signals[name].values[1:]


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
        evaluation = session.after_step.epoch_end.evaluation
        before = evaluation.score
        calls = []

        def score(batches):
            calls.append(1)
            if len(calls) == 3:  # the second epoch's first evaluation
                os.kill(os.getpid(), signal.SIGTERM)
            return before(batches)

        evaluation.score = score
        with pytest.raises(Interrupted):
            session.run()
    assert session.state.epoch == 2 and session.state.validation.evaluated == 1
    resumed = make("run").resume().run()
    assert resumed.digest() == reference.digest()
    assert len(resumed.notes.signals["loss/validation"]) == 2
