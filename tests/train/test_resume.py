"""Exact resume at every step."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import DamagedError, StorageError

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
    with pytest.raises(DamagedError, match="does not match the recipe of this run"):
        make("run", model=torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))).resume()


def test_nothing_to_resume_from(make) -> None:
    with pytest.raises(StorageError):
        make("run").resume()


def test_checkpoints_are_spaced_by_time(make) -> None:
    session = make(checkpoint_seconds=1e9).run()
    assert not [kind for kind, _ in session.notes.events if kind == "checkpoint"]
    session.checkpoints.save(session.state)
    session.checkpoints.save(session.state)  # the same step once only
    assert len([kind for kind, _ in session.notes.events if kind == "checkpoint"]) == 1
