from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from trainwell.monitor.autograd.loss import read_loss
from trainwell.monitor.autograd.reading import LossReading
from trainwell.monitor.trainings.observations import CallDepth, ModuleCall, Observations, SequenceLayers


def _observed(lesson: Any) -> Observations:
    observations = Observations()
    observations.calls[lesson.model] = ModuleCall(True, True, (lesson.inputs,))
    observations.called.add(lesson.model)
    loss = lesson.loss() / 4
    observations.add_loss(loss, read_loss(loss))
    observations.signals["summed_loss"] = 1.0
    return observations


def test_everything_is_released(school: Any) -> None:
    observations = _observed(school())
    observations.clear()
    assert not (observations.calls or observations.called or observations.losses or observations.signals)
    assert observations.reading == LossReading()


def test_a_loss_is_scaled_back(school: Any) -> None:
    lesson = school()
    assert _observed(lesson).losses[0].item() == pytest.approx(lesson.loss().item())


def test_a_new_step_forgets_the_losses_of_the_one_before(school: Any) -> None:
    observations = _observed(school())
    observations.has_user_loss = True
    observations.start_step()
    assert not (observations.losses or observations.signals or observations.has_user_loss)
    assert observations.calls


def test_the_last_network_that_was_called_with_gradients_counts(school: Any) -> None:
    lesson = school()
    observations = _observed(lesson)
    observations.calls[nn.Linear(2, 2)] = ModuleCall(False, True, (torch.ones(1, 2),))
    assert observations.last_input() is lesson.inputs
    assert observations.called_with(lesson.inputs) is lesson.model
    assert observations.called_with(torch.ones(1)) is None


@pytest.mark.parametrize(
    ("module", "time_first", "sees_future"),
    [
        (nn.LSTM(4, 4), {(5, 3)}, False),
        (nn.LSTM(4, 4, batch_first=True), set(), False),
        (nn.GRU(4, 4, bidirectional=True, batch_first=True), set(), True),
        (nn.Linear(4, 4), set(), False),
    ],
)
def test_how_sequence_layers_are_called(module: nn.Module, time_first: set[tuple[int, int]], sees_future: bool) -> None:
    layers = SequenceLayers()
    layers.add(module, (torch.zeros(5, 3, 4),), options={})
    assert (layers.time_first, layers.sees_future) == (time_first, sees_future)


def test_outermost_calls_of_one_thread_are_told_from_those_inside() -> None:
    depth = CallDepth()
    assert depth.enter(1) is True
    assert depth.enter(1) is False
    assert depth.enter(2) is None
    assert depth.is_current(1) and not depth.is_current(2)
    assert not depth.leave()
    assert depth.leave()
    assert depth.enter(2) is True
    depth.reset()
    assert depth.enter(1) is True
    assert depth.take_calls() == 4
    assert depth.take_calls() == 0
