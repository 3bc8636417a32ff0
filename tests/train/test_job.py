"""The state counts, and a step begins from nothing but the state."""

from __future__ import annotations

import dataclasses

import torch

from trainwell.train import State


def test_the_last_batch_of_an_epoch_ends_it() -> None:
    state = State()
    for _ in range(5):
        state.advance(torch.tensor(0.5), weight=4.0, batches=3)
    assert (state.step, state.epoch, state.current.position, state.current.weight) == (5, 1, 2, 20.0)
    assert state.current.loss_sum.item() == 10


def test_begin_sets_generators_and_rate(make) -> None:
    job, state = make().job, State(step=3, epoch=1)
    job.begin(state)
    first = torch.rand(3)
    torch.rand(100)
    job.begin(state)
    assert torch.equal(torch.rand(3), first)
    assert job.optimization.optimizer.param_groups[0]["lr"] == job.optimization.rate(3)
    assert all(p.grad is None for p in job.model.parameters())


def test_every_field_of_the_state_is_in_a_checkpoint(make, tmp_path) -> None:
    session = make("run").run(steps=4)
    restored = make("run").resume().state
    before, after = session.state.to_parts(), restored.to_parts()
    assert before.keys() == after.keys() and len(before) == 14
    for name, value in before.items():
        same = torch.equal(value, after[name]) if name == "loss_sum" else value == after[name]
        assert same, name


def test_parts_of_a_state_make_the_state_again() -> None:
    state = State(step=7, epoch=2, stop="patience")
    state.validation.best_score = 0.5
    state.reduction.rate_factor = 0.25
    assert State.from_parts(state.to_parts()).to_parts() == state.to_parts()
    assert dataclasses.asdict(state)["reduction"] == {"rate_factor": 0.25, "dropped_epoch": 0}


def test_a_run_goes_on_until_its_epochs_are_done_or_something_stops_it() -> None:
    assert State(epoch=1).goes_on(2)
    assert not State(epoch=2).goes_on(2)
    assert not State(stop="patience").goes_on(2)
