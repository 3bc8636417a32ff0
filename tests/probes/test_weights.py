from __future__ import annotations

from typing import Any

import pytest
import torch

from trainwell.probes import Weights


def test_norms(school: Any) -> None:
    lesson = school.Lesson()
    measured = Weights().read(lesson.backward())
    for name, parameter in lesson.model.named_parameters():
        assert measured[f"weight/norm/{name}"] == pytest.approx(parameter.norm().item())


def test_row_spread_is_zero_only_for_equal_rows_and_early(school: Any) -> None:
    lesson = school.Lesson()
    with torch.no_grad():
        lesson.model[0].weight.copy_(torch.arange(6.0).expand(16, 6))
    probe, moment = Weights(), lesson.backward()
    readings = [probe.read(moment) for _ in range(7)]
    assert readings[0]["weight/row_spread/0.weight"] == 0.0
    assert readings[0]["weight/row_spread/3.weight"] > 0.1
    assert "weight/row_spread/0.bias" not in readings[0]
    assert ["weight/row_spread/0.weight" in reading for reading in readings] == [True] * 6 + [False]


def test_a_network_without_trainable_parameters(school: Any) -> None:
    lesson = school.Lesson()
    moment = lesson.backward()
    lesson.model.requires_grad_(False)
    assert Weights().read(moment) == {}
