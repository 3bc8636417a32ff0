from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.monitor import Record
from trainwell.monitor.trainings.trainings import Trainings


def _trainings(*only: torch.optim.Optimizer, budget: float = 1e3) -> Trainings:
    return Trainings(Record(None, lambda line: None), budget=budget, source="train.py", only=only)


def _optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)


def test_steps_are_counted() -> None:
    trainings, optimizer = _trainings(), _optimizer()
    assert [trainings.step(optimizer, same_gradient=False)[1] for _ in range(3)] == [0, 1, 2]
    assert trainings.steps == 3


def test_optimizers_that_share_a_gradient_are_one_training() -> None:
    trainings, first, second = _trainings(), _optimizer(), _optimizer()
    for _ in range(3):
        assert trainings.step(first, same_gradient=False) is not None
        assert trainings.step(second, same_gradient=True) is None
    assert len(trainings.all) == 1
    assert trainings.all[0].step == 3
    assert trainings.all[0].series.loss_means_progress


def test_networks_that_alternate_are_not_judged_by_their_loss() -> None:
    trainings, first, second = _trainings(), _optimizer(), _optimizer()
    for _ in range(3):
        trainings.step(first, same_gradient=False)
        trainings.step(second, same_gradient=False)
    assert [training.series.loss_means_progress for training in trainings.all] == [False, False]


def test_trainings_one_after_the_other_are() -> None:
    trainings, first, second = _trainings(), _optimizer(), _optimizer()
    for optimizer in (first, second):
        for _ in range(3):
            trainings.step(optimizer, same_gradient=False)
    assert [training.series.loss_means_progress for training in trainings.all] == [True, True]


def test_only_the_given_optimizers_are_watched() -> None:
    mine, other = _optimizer(), _optimizer()
    trainings = _trainings(mine)
    assert trainings.step(other, same_gradient=False) is None
    assert trainings.step(mine, same_gradient=False) is not None
    assert trainings.optimizers.alive() == [mine]


def test_a_module_belongs_to_who_trains_it(school: Any) -> None:
    trainings, lesson = _trainings(), school()
    assert trainings.begin_for(lesson.model) is None
    trainings.optimizers.add(lesson.optimizer)
    training = trainings.begin_for(lesson.model)
    assert training is not None
    assert training.optimizers.alive() == [lesson.optimizer]
    assert trainings.begin_for(lesson.model) is None, "it has begun already"


def test_there_is_room_for_eight() -> None:
    trainings, optimizers = _trainings(), [_optimizer() for _ in range(10)]
    begun = [trainings.begin([optimizer]) for optimizer in optimizers]
    assert [one is not None for one in begun] == [True] * 8 + [False] * 2
    assert sum(training.probes.budget for training in trainings.all) == pytest.approx(1e3)


def test_a_new_optimizer_at_an_old_address_is_new() -> None:
    trainings = _trainings()
    for number in range(5):
        optimizer = _optimizer()
        counted = trainings.step(optimizer, same_gradient=False)
        assert counted is not None
        assert counted[1] == 0, number
        del optimizer, counted
        gc.collect()


def test_time_is_charged() -> None:
    trainings = _trainings()
    trainings.charge(1.0)
    assert trainings.watch_seconds == 1.0
    assert trainings.overhead_fraction == 0.0, "before a step there is nothing to compare with"


def test_idle_optimizers_are_judged_at_the_end() -> None:
    trainings, optimizer = _trainings(), _optimizer()
    trainings.optimizers.add(optimizer)
    findings = trainings.judge(backwards=20, lines={"backward": "train.py:3"}, is_over=True)
    assert [(finding.rule, finding.where) for finding in findings] == [("step_never_called", ("train.py:3",))]


def test_each_training_knows_the_line_of_its_own_optimizer(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    places = iter(["train.py:3", "train.py:9"])
    monkeypatch.setattr("trainwell.monitor.trainings.optimizers.user_line", lambda: next(places, None))
    monkeypatch.setattr("trainwell.monitor.code.source_lines.user_line", lambda: "train.py:3")
    for _ in range(2):
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
    session.finish()
    lines = [one.series.signals["code/line/optimizer/train.py"].last for one in session.trainings.all]
    assert lines == [3.0, 9.0]
