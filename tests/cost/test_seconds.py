"""Seconds from a few timed kernels (docs/curriculum.md, K1)."""

from __future__ import annotations

import os
import subprocess
import sys

import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.facts import InputFacts
from trainwell.cost import BUSY, Machine, calibrate, layers, time_steps


def test_more_work_takes_longer() -> None:
    machine = Machine(convolution=1e9, depthwise=1e8, matrix=1e9, memory=1e9)
    small, large = (layers(nn.Conv2d(8, width, 3), InputFacts((8, 16, 16))) for width in (8, 64))
    assert machine.step_seconds(large, 4) > 4 * machine.step_seconds(small, 4)
    assert 1.9 < machine.step_seconds(small, 8) / machine.step_seconds(small, 4) < 2  # weights are read once a batch


def test_depthwise_layers_have_a_rate_of_their_own() -> None:
    slow = Machine(convolution=1e12, depthwise=1e6, matrix=1e12, memory=1e12)
    apart, mixed = (layers(nn.Conv2d(64, 64, 3, groups=groups), InputFacts((64, 16, 16))) for groups in (64, 1))
    assert slow.step_seconds(apart, 1) > 10 * slow.step_seconds(mixed, 1)


def test_weights_are_moved_whatever_the_batch_and_an_optimizer_moves_more_of_them() -> None:
    machine, table = Machine(1e12, 1e12, 1e12, memory=1e9), layers(nn.Linear(1000, 1000), InputFacts((1000,)))
    moved = 4 * 1_001_000 / 1e9  # seconds in which every weight is read once
    assert machine.step_seconds(table, 1) > 3 * moved
    added = machine.step_seconds(table, 1, remembered=2) - machine.step_seconds(table, 1)
    assert abs(added - 7 * moved) < 1e-9


def test_a_busy_machine_is_noticed_and_hardly_changes_what_it_could_do() -> None:
    quiet = calibrate()
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        busy = calibrate()
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert busy.share < BUSY
    assert busy.convolution > quiet.convolution / 4


def test_this_machine_is_measured_and_nothing_random_is_drawn() -> None:
    state = torch.get_rng_state()
    machine = calibrate()
    assert min(machine.convolution, machine.depthwise, machine.matrix, machine.memory) > 1e6
    assert 0 < machine.call < 0.1
    assert 0 < machine.share <= 1
    assert torch.equal(state, torch.get_rng_state())
    model = nn.Linear(8, 8)
    assert 0 < time_steps(model, Batch({"inputs": torch.randn(4, 8)}), seconds=0.01) < 1
    assert model.weight.grad is None
