from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.monitor import Record
from trainwell.monitor.evaluations.evaluations import Evaluations, Phase
from trainwell.monitor.trainings.optimizers import OptimizerGroup
from trainwell.monitor.trainings.training import Training


def _frame() -> FrameType:
    return sys._getframe()


def _training(optimizer: torch.optim.Optimizer) -> Training:
    return Training(OptimizerGroup([optimizer]), Record(None, print).new_training(), budget=1.0, allows_hooks=False)


def test_a_line_passed_once_in_a_while_is_an_evaluation() -> None:
    evaluations, line = Evaluations(), _frame()
    near = []
    for steps in (0, 1, 2, 40, 40, 80):
        near.append(evaluations.gradients_off(line, steps, trainings=1))
    assert near == [False, False, False, True, False, True]


def test_a_line_in_every_step_is_none_however_many_networks_take_turns() -> None:
    evaluations, line = Evaluations(), _frame()
    for steps in range(0, 40, 4):  # four networks, one step each
        assert not evaluations.gradients_off(line, steps, trainings=4)


@pytest.mark.parametrize("is_training", [True, False])
def test_the_mode_is_told(is_training: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train(is_training)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    one = _training(optimizer)
    assert list(Evaluations().modes(model, [one])) == [(one, is_training)]
    assert list(Evaluations().modes(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), [one])) == []


def test_networks_without_modes_are_left_out(school: Any) -> None:
    lesson = school()
    one = _training(lesson.optimizer)
    assert list(Evaluations().modes(lesson.model, [one])) == []


def test_the_phases_follow_one_another() -> None:
    evaluations, line = Evaluations(), _frame()
    evaluations.gradients_off(line, 0, trainings=1)
    assert evaluations.phase is Phase.TRAINING and not evaluations.is_open
    evaluations.gradients_off(line, 40, trainings=1)
    assert evaluations.phase is Phase.STARTING and evaluations.is_measured
    evaluations.gradients_off(line, 40, trainings=1)
    assert evaluations.phase is Phase.RUNNING, "a line inside the evaluation"
    assert evaluations.close()
    assert evaluations.phase is Phase.TRAINING and not evaluations.is_measured
    assert not evaluations.close()


def test_an_evaluation_between_steps_is_skipped_where_the_budget_is_spent() -> None:
    evaluations, line = Evaluations(), _frame()
    measured = []
    for steps in range(4, 100, 4):
        evaluations.gradients_off(line, steps, trainings=1, is_affordable=False)
        measured.append(evaluations.is_measured)
        evaluations.close()
    late = [number for number, was_measured in enumerate(measured, 1) if was_measured and number > 12]
    assert measured[:12] == [True] * 12 and late == [15, 18, 22]
