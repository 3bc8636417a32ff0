from __future__ import annotations

import pytest
import torch

from trainwell.monitor.autograd.reading import LossReading, LossReduction
from trainwell.monitor.trainings.targets import TargetStatistics


def test_chance_of_numbers_is_their_variance() -> None:
    targets, numbers = TargetStatistics(), torch.arange(300.0)
    targets.add(
        LossReading("numbers", torch.zeros(300), numbers, reduction=LossReduction(is_mean=True), is_squared=True)
    )
    assert targets.chance_loss() == pytest.approx(float(numbers.var(correction=0)), rel=1e-4)


def test_order_of_the_classes() -> None:
    targets = TargetStatistics()
    mixed = torch.arange(64) % 4
    told = targets.add(LossReading("classes", torch.zeros(64, 4), mixed))
    assert told["target/same_fraction"] == pytest.approx(0.25, abs=0.02)
    told = targets.add(LossReading("classes", torch.zeros(64, 4), torch.full((64,), 3)))
    assert told["target/same_fraction"] == 1.0
    assert told["target/expected_same_fraction"] < 0.5
    assert targets.add(LossReading("classes", torch.zeros(8, 4, 4), torch.zeros(8, 4, dtype=torch.long))) == {}


def test_the_graph_is_not_kept_alive() -> None:
    targets = TargetStatistics()
    prediction = torch.ones(4, requires_grad=True) * 2
    targets.add(LossReading("numbers", prediction, torch.zeros(4)))
    assert targets.reading.prediction is None
    assert targets.reading.target is None


def test_class_counts_grow_with_the_classes_seen() -> None:
    targets = TargetStatistics()
    for classes in (2, 4, 3):
        targets.add(LossReading("classes", torch.zeros(12, 4), torch.arange(12) % classes))
    assert targets.class_counts is not None
    assert targets.class_counts.tolist() == [6 + 3 + 4, 6 + 3 + 4, 3 + 4, 3]
    assert targets.batch_size == 12
