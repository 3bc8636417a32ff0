"""Seconds from a few timed kernels (curriculum K1)."""

from __future__ import annotations

import torch
from torch import nn

from trainwell.cost import Machine, calibrate, layers, time_steps


def test_more_work_takes_longer() -> None:
    machine = Machine(convolution=1e9, depthwise=1e8, matrix=1e9, memory=1e9)
    small, large = (layers(nn.Conv2d(8, width, 3), (8, 16, 16)) for width in (8, 64))
    assert machine.step_seconds(large, 4) > 4 * machine.step_seconds(small, 4)
    assert machine.step_seconds(small, 8) == 2 * machine.step_seconds(small, 4)


def test_depthwise_layers_have_a_rate_of_their_own() -> None:
    slow = Machine(convolution=1e12, depthwise=1e6, matrix=1e12, memory=1e12)
    apart, mixed = (layers(nn.Conv2d(64, 64, 3, groups=groups), (64, 16, 16)) for groups in (64, 1))
    assert slow.step_seconds(apart, 1) > 10 * slow.step_seconds(mixed, 1)


def test_this_machine_is_measured_and_nothing_random_is_drawn() -> None:
    state = torch.get_rng_state()
    machine = calibrate()
    assert min(machine.convolution, machine.depthwise, machine.matrix, machine.memory) > 1e6
    assert 0 < machine.call < 0.1
    assert torch.equal(state, torch.get_rng_state())
    model = nn.Linear(8, 8)
    assert 0 < time_steps(model, torch.randn(4, 8), seconds=0.01) < 1
    assert model.weight.grad is None
