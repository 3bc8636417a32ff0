from __future__ import annotations

import time

from trainwell.probes.schedule import SamplingSchedule


def _samples(schedule: SamplingSchedule, *, steps: int, seconds: float) -> list[int]:
    found = []
    for step in range(steps):
        if step >= schedule.next_sample:
            found.append(step)
            schedule.sampled(step, seconds=seconds)
    return found


def test_the_first_samples_are_dense_and_the_next_come_when_the_run_is_twice_as_old() -> None:
    assert _samples(SamplingSchedule(first=0, budget=1e-9), steps=600, seconds=1.0) == [
        0,
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        512,
    ]


def test_a_resumed_run_counts_from_its_first_step() -> None:
    assert _samples(SamplingSchedule(first=100, budget=1e-9), steps=200, seconds=1.0) == [
        100,
        101,
        102,
        104,
        108,
        116,
        132,
        164,
    ]


def test_a_generous_budget_samples_every_step() -> None:
    assert _samples(SamplingSchedule(first=0, budget=1e3), steps=40, seconds=0.0) == [0, 1, 2, 4, 8, *range(16, 40)]


def test_every_fourth_sample_is_expensive_after_the_first_eight() -> None:
    schedule = SamplingSchedule(first=0, budget=1e3)
    kinds = []
    for step in range(20):
        kinds.append(schedule.is_expensive)
        schedule.sampled(step, seconds=0.0)
    assert kinds == [True] * 8 + [number % 4 == 0 for number in range(8, 20)]


def test_overhead_is_probing_over_everything_else() -> None:
    schedule = SamplingSchedule(first=0, budget=0.02)
    time.sleep(0.05)
    schedule.sampled(0, seconds=0.01)
    assert 0.0 < schedule.overhead_fraction < 0.26
