from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from trainwell.probes import Activations


def test_statistics_are_those_of_the_layers(school: Any) -> None:
    lesson = school.Lesson()
    measured = lesson.read(Activations())
    model = school.network()
    with torch.no_grad():
        hidden = model[0](lesson.batch.inputs)
    assert measured["activation/mean/0"] == pytest.approx(hidden.mean().item())
    assert measured["activation/std/0"] == pytest.approx(hidden.std(correction=0).item())
    assert measured["activation/zero_fraction/1"] == pytest.approx((hidden <= 0).float().mean().item())
    assert [name for name in measured if name.startswith("activation/mean")] == [
        "activation/mean/0",
        "activation/mean/1",
        "activation/mean/3",
    ]


def test_hooks_are_gone_after_reading(school: Any) -> None:
    lesson = school.Lesson()
    lesson.read(Activations())
    assert not any(module._forward_hooks for module in lesson.model.modules())


@pytest.mark.parametrize(("activation", "beyond"), [(nn.Sigmoid, 5.0), (nn.Tanh, 2.65)])
def test_saturation_counts_what_goes_in(school: Any, activation: type[nn.Module], beyond: float) -> None:
    lesson = school.Lesson(nn.Sequential(activation(), nn.Linear(6, 3)))
    lesson.batch = lesson.batch.replace(inputs=lesson.batch.inputs * 4)
    expected = (lesson.batch.inputs.abs() > beyond).float().mean().item()
    assert lesson.read(Activations())["activation/saturated_fraction/0"] == pytest.approx(expected)
    assert 0.1 < expected < 0.9


def test_a_unit_is_dead_after_enough_silent_examples(school: Any) -> None:
    lesson, probe = school.Lesson(), Activations(examples=64)
    nn.init.constant_(lesson.model[0].bias[:4].detach(), -100.0)
    assert "activation/dead_fraction/1" not in lesson.read(probe), "32 examples are too few to tell"
    assert lesson.read(probe)["activation/dead_fraction/1"] == 4 / 16
    nn.init.constant_(lesson.model[0].bias[:2].detach(), 1.0)
    assert lesson.read(probe)["activation/dead_fraction/1"] == 2 / 16


def test_channels_are_the_units_of_a_convolution_and_nan_is_not_silence(school: Any) -> None:
    convolution = nn.Conv2d(1, 8, 3)
    nn.init.constant_(convolution.bias[3].detach(), -100.0)
    lesson = school.Lesson(nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.ZeroPad2d(2), convolution, nn.ReLU()))
    probe = Activations(examples=32)
    probe.prepare(lesson.model)
    lesson.model(lesson.batch.inputs)
    moment = school.Lesson().backward()
    assert probe.read(moment)["activation/dead_fraction/3"] == 1 / 8
    probe.prepare(lesson.model)
    lesson.model(torch.full_like(lesson.batch.inputs, float("nan")))
    assert probe.read(moment)["activation/dead_fraction/3"] == 0.0


def test_evaluation_between_two_steps_is_not_measured(school: Any) -> None:
    lesson, probe = school.Lesson(), Activations()
    probe.prepare(lesson.model)
    with torch.no_grad():
        lesson.model(torch.full((4, 6), 1e6))
    measured = probe.read(lesson.backward())
    assert measured["activation/std/0"] < 10


def test_in_place_rectifier(school: Any) -> None:
    lesson = school.Lesson(nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 3)))
    expected = lesson.model[0](lesson.batch.inputs).mean().item()
    assert lesson.read(Activations())["activation/mean/0"] == pytest.approx(expected)


def test_trouble_in_a_hook_waits_for_the_reading(school: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson, probe = school.Lesson(), Activations()

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("no such number")

    monkeypatch.setattr(probe, "_measure", fail)
    probe.prepare(lesson.model)
    moment = lesson.backward()
    with pytest.raises(ValueError, match="no such number"):
        probe.read(moment)
    assert not any(module._forward_hooks for module in lesson.model.modules())
