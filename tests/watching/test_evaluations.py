from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.watching import Record
from trainwell.watching.evaluations import Evaluations
from trainwell.watching.track import Track


def _frame() -> FrameType:
    return sys._getframe()


def test_a_line_passed_once_in_a_while_is_an_evaluation() -> None:
    evaluations, line = Evaluations(), _frame()
    near = []
    for steps in (0, 1, 2, 40, 40, 80):
        evaluations.gradients_off(line, steps, trainings=1)
        near.append(evaluations.is_near)
    assert near == [False, False, False, True, False, True]


def test_a_line_in_every_step_is_none_however_many_networks_take_turns() -> None:
    evaluations, line = Evaluations(), _frame()
    for steps in range(0, 40, 4):  # four networks, one step each
        evaluations.gradients_off(line, steps, trainings=4)
        assert not evaluations.is_near


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_told(training: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    track = Track([optimizer], Record(None, print).of_training(), budget=1.0, hooks=False)
    assert list(Evaluations().look(model, [track])) == [(track, training)]
    assert list(Evaluations().look(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), [track])) == []


def test_networks_without_modes_are_left_out(school: Any) -> None:
    lesson = school()
    track = Track([lesson.optimizer], Record(None, print).of_training(), budget=1.0, hooks=False)
    assert list(Evaluations().look(lesson.model, [track])) == []
