"""Memory and time."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from trainwell.core.finding import Severity
from trainwell.doctor.preflight import cost


def test_memory_that_suffices_and_memory_that_does_not(subject, monkeypatch) -> None:
    sound = cost.memory_suffices(subject())
    assert sound.findings == () and sound.measured > 0
    small = sound.measured - 1
    monkeypatch.setattr(cost, "free_bytes", lambda device: int(small))
    (finding,) = cost.memory_suffices(subject()).findings
    assert finding.severity is Severity.ERROR and "train.micro_batch=" in finding.title
    monkeypatch.setattr(cost, "free_bytes", lambda device: 10)
    (finding,) = cost.memory_suffices(subject()).findings
    assert finding.evidence["largest_batch"] == 0 and "smaller network" in finding.title


def test_free_memory_is_that_of_this_machine() -> None:
    assert 1 << 20 < cost.free_bytes(torch.device("cpu")) < 1 << 50


@pytest.mark.slow
def test_the_predicted_time_is_of_the_right_size(subject) -> None:
    class Slow(nn.Linear):
        def forward(self, x):
            time.sleep(0.01)  # by far the dearest part of a step, so that the right answer is known
            return super().forward(x)

    epochs, steps = 10, 140 // 64 + 1
    predicted = cost.time_is_known(subject(Slow(6, 3), train__epochs=epochs)).measured
    assert 0.01 * epochs * steps * 0.6 < predicted < 0.01 * epochs * steps * 20


def test_more_epochs_take_longer(subject) -> None:
    class Slow(nn.Linear):
        def forward(self, x):
            time.sleep(0.002)
            return super().forward(x)

    short, long = (cost.time_is_known(subject(Slow(6, 3), train__epochs=n)).measured for n in (10, 100))
    assert 5 < (long - 0.3) / (short - 0.3) < 20 and short > 0.002 * 10 * 140 / 64
