from __future__ import annotations

import pytest

from trainwell.monitor.hooks.counters import Listening, LossMeter, Mode, PassCounter


def test_steps_without_a_pass_in_between_share_a_gradient() -> None:
    passes = PassCounter()
    assert passes.note_step()
    passes.count += 1
    assert not passes.note_step()
    assert passes.note_step()


def test_the_first_pass_after_a_step_is_known() -> None:
    passes = PassCounter()
    assert [passes.is_first_after(steps) for steps in (0, 0, 1, 1, 3)] == [False, False, True, False, True]


def test_losses_are_averaged_between_records_and_between_evaluations() -> None:
    losses = LossMeter()
    assert not losses.is_due and losses.epoch_mean() is None
    losses.sum, losses.count = 6.0, 2
    assert losses.is_due
    assert losses.take(64, scale=0.5) == 6.0
    assert not losses.is_due
    losses.sum, losses.count = 8.0, 2
    assert not losses.is_due and losses.is_partly_due, "at step 64 a record takes three losses"
    losses.take(66, scale=1.0)
    assert losses.epoch_mean() == pytest.approx((12.0 + 8.0) / 4)
    losses.start_epoch()
    assert losses.epoch_mean() is None


def test_the_modes_follow_one_another() -> None:
    passes = PassCounter()
    listening = Listening(passes)
    assert (listening.mode, listening.is_on) == (Mode.SEARCHING, True)
    listening.update(is_prepared=False)
    assert listening.mode is Mode.SEARCHING, "a search ends with a step"
    listening.end_step()
    assert (listening.mode, listening.is_on) == (Mode.COUNTING, False)
    listening.update(is_prepared=True)
    assert (listening.mode, listening.is_on) == (Mode.SAMPLING, True)
    listening.update(is_prepared=False)
    assert listening.mode is Mode.COUNTING
    listening.enter_step()
    listening.update(is_prepared=False)
    assert (listening.mode, listening.is_on) == (Mode.IN_STEP, True)


def test_waiting_is_counted_from_the_search_or_from_the_step_before() -> None:
    passes = PassCounter()
    passes.count = 5
    listening = Listening(passes)
    assert listening.passes_waited == 5
    listening.search()
    passes.count = 7
    assert listening.passes_waited == 2
    listening.end_step()
    passes.note_step()
    passes.count = 8
    assert listening.passes_waited == 1
