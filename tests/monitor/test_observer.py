from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from trainwell.monitor import Record
from trainwell.monitor.hooks.counters import Mode
from trainwell.monitor.observer import Observer
from trainwell.monitor.trainings.trainings import Trainings


@pytest.fixture
def observer() -> Iterator[Observer]:
    """An observer that samples as rarely as can be."""
    made = Observer(Trainings(Record(None, print), budget=1e-9))
    made.hooks.install()
    yield made
    made.hooks.remove()
    for training in made.trainings.all:
        training.probes.stop()


def test_passes_are_observed_until_a_network_is_known(observer: Observer, school: Any) -> None:
    lesson = school()
    assert observer.listening.mode is Mode.SEARCHING and observer.is_sampling
    lesson.train(1)
    assert observer.listening.mode is Mode.SAMPLING, "step 1 is a sample too"
    lesson.train(5)
    assert observer.listening.mode is Mode.COUNTING, "the next sample is step 8"
    assert not observer.hooks.has_module_hooks
    second = torch.optim.SGD(lesson.model.parameters(), lr=0.1)
    assert observer.listening.mode is Mode.SEARCHING and observer.hooks.has_module_hooks
    assert second in observer.trainings.optimizers.alive()


def test_a_step_that_does_not_come_is_given_up(observer: Observer, school: Any) -> None:
    lesson = school()
    for _ in range(34):
        lesson.loss().backward()
    assert observer.listening.mode is Mode.COUNTING
    assert not observer.hooks.has_module_hooks
    assert observer.passes.count == 34


def test_a_step_with_a_closure_is_sampled_inside(observer: Observer, school: Any) -> None:
    lesson = school()
    optimizer = torch.optim.LBFGS(lesson.model.parameters(), max_iter=1)
    modes = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = lesson.loss()
        modes.append(observer.listening.mode)
        loss.backward()
        modes.append(observer.listening.mode)
        return loss

    optimizer.step(closure)
    assert modes[:2] == [Mode.IN_STEP, Mode.SAMPLING]
    assert len(observer.trainings.all[0].series.signals["grad/norm"]) == 1
