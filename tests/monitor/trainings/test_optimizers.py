from __future__ import annotations

import gc
import math
import weakref
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.monitor.trainings.optimizers import KnownOptimizers, ManualOptimizer, OptimizerGroup, parameters_of


def _optimizer(lr: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=lr)


def test_parameters_of_all_groups() -> None:
    first, second = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.5}], lr=0.1)
    assert [id(p) for p in parameters_of(optimizer)] == [id(first), id(second)]
    assert OptimizerGroup([optimizer]).learning_rate() == 0.5


def test_a_dead_optimizer_is_gone(school: Any) -> None:
    lesson = school()
    group = OptimizerGroup([lesson.optimizer])
    assert group.learning_rate() == 0.1
    assert len(group.leading_parameters()) == 4
    del lesson
    gc.collect()
    assert group.alive() == []
    assert group.leading_parameters() == []
    assert math.isnan(group.learning_rate())


def test_the_leader_is_the_one_whose_steps_are_counted() -> None:
    first, second = _optimizer(), _optimizer()
    group = OptimizerGroup([first])
    group.add(second)
    assert group.leading_parameters()[0] is parameters_of(first)[0]
    group.leader = id(second)
    assert group.leading_parameters()[0] is parameters_of(second)[0]
    assert group.parameter_ids() == {id(p) for one in (first, second) for p in parameters_of(one)}
    assert group.manual() is None


@pytest.mark.parametrize("is_fixed", [False, True])
def test_given_optimizers_leave_others_alone(is_fixed: bool) -> None:
    given, other = _optimizer(), _optimizer()
    known = KnownOptimizers([given] if is_fixed else [])
    assert known.add(given)
    assert known.add(other) is not is_fixed
    assert known.alive() == ([given] if is_fixed else [given, other])
    assert (id(parameters_of(other)[0]) in known.parameter_ids()) is not is_fixed


def test_the_line_that_made_an_optimizer_is_kept() -> None:
    optimizer = _optimizer()
    known = KnownOptimizers()
    known.add(optimizer)
    assert "test_optimizers.py:" in known.made_at([optimizer])
    assert known.made_at([_optimizer()]) == ""


def test_the_optimizers_of_a_module_are_found() -> None:
    module = nn.Linear(2, 2)
    mine, other = torch.optim.SGD(module.parameters(), lr=0.1), _optimizer()
    known = KnownOptimizers([mine, other])
    assert known.holding(module) == [mine]
    assert known.holding(nn.Linear(2, 2)) == []


def test_what_was_trained_is_remembered_as_long_as_it_lives() -> None:
    module, known = nn.Linear(2, 2), KnownOptimizers()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    assert not known.was_trained(module.weight)
    known.note_trained(optimizer)
    assert known.was_trained(module.weight)
    assert not known.was_trained(nn.Linear(2, 2).weight)


def test_manual_updates_keep_no_weight_alive() -> None:
    weight = nn.Parameter(torch.zeros(3))
    manual = ManualOptimizer([weakref.ref(weight)], steps=2, first_loss=1.0)
    assert manual.param_groups[0]["params"][0] is weight
    assert OptimizerGroup([manual]).manual() is manual
    manual.settings = {"lr": 0.25}
    assert OptimizerGroup([manual]).learning_rate() == 0.25
    del weight
    gc.collect()
    assert manual.param_groups[0]["params"] == []
