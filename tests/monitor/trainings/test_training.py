from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from trainwell.monitor import Record
from trainwell.monitor.autograd.reading import LossReading, LossReduction
from trainwell.monitor.trainings.optimizers import OptimizerGroup
from trainwell.monitor.trainings.training import NetworkState, Training


@pytest.fixture
def training(school: Any) -> Iterator[Training]:
    lesson = school()
    made = Training(
        OptimizerGroup([lesson.optimizer]), Record(None, print).new_training(), budget=1.0, allows_hooks=True
    )
    made.start(lesson.model, step=0)
    made.lesson = lesson  # type: ignore[attr-defined]  # keeps the optimizer alive
    yield made
    made.probes.stop()


def test_chance_is_the_entropy_of_the_classes_seen(training: Training) -> None:
    targets = torch.tensor([0] * 300 + [1] * 100)
    training.targets.add(LossReading("classes", torch.zeros(400, 2), targets, reduction=LossReduction(is_mean=True)))
    facts = training.facts(source="train.py", steps=7)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert facts.chance_loss == pytest.approx(entropy, abs=0.01)
    assert (facts.task, facts.class_counts, facts.batch_size) == ("classify", (300, 100), 400)
    assert (facts.source, facts.steps, facts.model, facts.optimizer) == ("train.py", 7, "Sequential", "SGD")
    assert facts.parameters == 8 * 16 + 16 + 16 * 3 + 3


@pytest.mark.parametrize(
    "reading",
    [
        LossReading(
            "classes", torch.zeros(40, 2), torch.zeros(40, dtype=torch.long), reduction=LossReduction(is_mean=True)
        ),
        LossReading(
            "classes", torch.zeros(400, 2), torch.zeros(400, dtype=torch.long), reduction=LossReduction(is_mean=False)
        ),
        LossReading(
            "numbers", torch.zeros(400), torch.arange(400.0), reduction=LossReduction(is_mean=True), is_squared=False
        ),
        LossReading("logits", torch.zeros(400), torch.linspace(0, 1, 400), reduction=LossReduction(is_mean=True)),
    ],
    ids=["too few", "not a mean", "not a square", "soft targets"],
)
def test_chance_is_unknown(training: Training, reading: LossReading) -> None:
    training.targets.add(reading)
    assert training.facts(source="").chance_loss is None


def test_a_retired_training_keeps_nothing(training: Training) -> None:
    from torch.nn.modules import module

    assert module._global_forward_hooks
    training.retire()
    assert training.network.model is None
    assert not module._global_forward_hooks
    assert training.facts(source="").model == "Sequential"


def test_compiled_networks_get_no_hooks(school: Any) -> None:
    from torch.nn.modules import module

    lesson = school()
    training = Training(
        OptimizerGroup([lesson.optimizer]), Record(None, print).new_training(), budget=1.0, allows_hooks=False
    )
    training.start(lesson.model, step=0)
    assert not module._global_forward_hooks
    assert not module._global_forward_pre_hooks
    training.probes.stop()


def test_what_is_known_of_the_network_has_a_name(training: Training) -> None:
    assert training.network.state is NetworkState.PROVISIONAL
    assert (training.network.name, training.network.parameters) == ("Sequential", 8 * 16 + 16 + 16 * 3 + 3)


def test_the_mode_is_recorded_when_it_changes(training: Training) -> None:
    training.record_mode(0)
    training.mode.module = training.network.model
    for step, is_training in enumerate([True, True, False, False, True]):
        training.mode.module.train(is_training)
        training.record_mode(step)
    series = training.series.signals["code/training_in_eval_mode"]
    assert (series.steps, series.values) == ([0, 2, 4], [0.0, 1.0, 0.0])


def test_the_smallest_gradient_before_a_pass_counts(training: Training) -> None:
    parameter = next(iter(training.network.model.parameters()))
    for size in (3.0, 2.0, 5.0):
        parameter.grad = torch.full_like(parameter, size)
        training.note_gradient_before_backward()
    training.note_gradient_after_backward()
    assert training.gradient.before == pytest.approx(2.0 * parameter.numel() ** 0.5)
    assert training.gradient.after == pytest.approx(5.0 * parameter.numel() ** 0.5)
    training.gradient.reset()
    assert (training.gradient.before, training.gradient.after) == (None, 0.0)


def test_steps_that_are_not_sampled_are_charged_once(training: Training) -> None:
    before = training.probes.spent
    training.step += 1000
    training.charge_steps()
    first = training.probes.spent - before
    training.charge_steps()
    assert 0 < training.probes.spent - before == first < 0.1
