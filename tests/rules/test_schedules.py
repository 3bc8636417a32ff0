from __future__ import annotations

import math

import pytest

from trainwell.core.facts import Facts
from trainwell.core.signals import Signals
from trainwell.rules.schedules import learning_rate_decays_too_soon, learning_rate_is_zero

STEPS = 100
SCHEDULES = {
    "constant": lambda t: 0.1,
    "cosine to zero": lambda t: 0.1 * (1 + math.cos(math.pi * t / STEPS)) / 2,
    "warm-up and linear to zero": lambda t: 0.1 * min(1, t / 10) * (1 - t / STEPS),
    "three steps down": lambda t: 0.1 * 10.0 ** -(t // 30),
    "cosine that comes back": lambda t: 0.1 * (1 + math.cos(math.pi * t / 10)) / 2,
    "exponential": lambda t: 0.1 * 0.96**t,
}


def _rates(schedule) -> Signals:
    signals = Signals()
    for step in range(0, STEPS, 5):
        signals.add("learning_rate", step, value=schedule(step))
    return signals


@pytest.mark.parametrize("name", SCHEDULES)
def test_usual_schedules_are_fine(name: str) -> None:
    signals = _rates(SCHEDULES[name])
    assert learning_rate_decays_too_soon(signals, Facts(steps=STEPS)) is None
    assert learning_rate_is_zero(signals, Facts()) is None


def test_a_schedule_at_every_batch_is_not() -> None:
    finding = learning_rate_decays_too_soon(_rates(lambda t: 0.1 * 0.8**t), Facts(steps=STEPS))
    assert finding is not None
    assert finding.step == 35
    assert learning_rate_decays_too_soon(_rates(lambda t: 0.1 * 0.8**t), Facts()) is None, "the run is not over"


def test_nothing_is_said_of_what_has_learned_enough() -> None:
    signals = _rates(lambda t: 0.1 * 0.8**t)
    for step in range(20):
        signals.add("loss/train", step, value=2.3 if step < 5 else 0.001)
    assert learning_rate_decays_too_soon(signals, Facts(steps=STEPS)) is None


def test_a_zero_rate_is_told_from_a_warm_up() -> None:
    assert learning_rate_is_zero(_rates(lambda t: 0.0), Facts()) is not None
    assert learning_rate_is_zero(_rates(lambda t: 0.0 if t < 10 else 0.1), Facts()) is None
