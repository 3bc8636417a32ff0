from __future__ import annotations

import time
import timeit
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.core.contracts.moment import Moment
from trainwell.probes import Outputs, SampledProbes, Updates, standard_probes


class Sleeper:
    """A probe whose cost is known."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.prepared = 0
        self.read_at: list[int] = []

    def prepare(self, model: nn.Module) -> None:
        self.prepared += 1

    def release(self) -> None:
        pass

    def read(self, moment: Moment) -> Mapping[str, float]:
        time.sleep(self.seconds)
        self.read_at.append(moment.step)
        return {"sleeper": 1.0}


def _train(
    school: Any, probes: SampledProbes | None, *, steps: int, model: nn.Module | None = None, pause: float = 0.0
) -> Any:
    lesson = school.Lesson(model)
    if probes:
        probes.start(lesson.model)
    torch.manual_seed(5)
    for _ in range(steps):
        time.sleep(pause)
        moment = lesson.backward()
        if probes:
            probes.measure(moment)
        lesson.update()
    if probes:
        probes.stop()
    return lesson


def test_measuring_changes_no_bit_of_the_result(school: Any) -> None:
    plain = _train(school, None, steps=60, model=school.network(dropout=0.5))
    memo = school.Memo()
    measured = _train(school, standard_probes(memo, budget=1e3), steps=60, model=school.network(dropout=0.5))
    assert len(memo.signals["loss/train"]) > 30
    for one, other in zip(plain.model.parameters(), measured.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_sampling_is_dense_at_first_and_ever_wider(school: Any) -> None:
    probe = Sleeper(0.02)
    _train(school, SampledProbes([probe], school.Memo(), budget=0.001), steps=600)
    assert probe.read_at == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert probe.prepared == len(probe.read_at)


def test_cost_stays_within_the_budget(school: Any) -> None:
    probe = Sleeper(0.004)
    probes = SampledProbes([probe], school.Memo(), budget=0.1)
    _train(school, probes, steps=700, pause=0.001)
    assert 0.05 < probes.overhead_fraction < 0.13
    assert len(probe.read_at) > 10


def test_a_generous_budget_samples_every_step_and_rarely_reads_expensive_probes(school: Any) -> None:
    cheap, expensive = Sleeper(), Sleeper()
    _train(school, SampledProbes([cheap], school.Memo(), expensive=[expensive], budget=1e3), steps=120)
    assert cheap.read_at == [0, 1, 2, 4, 8, *range(16, 120)]
    assert expensive.read_at[:8] == [0, 1, 2, 4, 8, 16, 17, 18]
    assert len(expensive.read_at) == pytest.approx(len(cheap.read_at) / 4, abs=8)


def test_first_milliseconds_are_free_but_spread_out(school: Any) -> None:
    probe = Sleeper()
    _train(school, SampledProbes([probe], school.Memo(), budget=1e-6), steps=300)
    assert len(probe.read_at) > 9  # the samples at 2, 4, 8 … alone
    assert max(probe.read_at) > 64


def test_no_budget_no_sample(school: Any) -> None:
    probe = Sleeper()
    _train(school, SampledProbes([probe], school.Memo(), budget=0.0), steps=20)
    assert (probe.prepared, probe.read_at) == (0, [])


def test_a_step_that_is_not_sampled_costs_less_than_a_microsecond(school: Any) -> None:
    lesson = school.Lesson()
    probes = SampledProbes([Sleeper()], school.Memo(), budget=1e-9)
    probes.start(lesson.model, step=10**9)
    moment = lesson.backward()
    seconds = min(timeit.repeat(lambda: probes.measure(moment), number=10_000, repeat=5)) / 10_000
    assert seconds < 1e-6


def test_no_hooks_stay_on_steps_that_are_not_sampled(school: Any) -> None:
    lesson = _train(school, standard_probes(school.Memo(), budget=1e-9), steps=12)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in lesson.model.modules())


@pytest.mark.parametrize("where", ["prepare", "read"])
def test_a_probe_that_fails_is_switched_off_and_reported(school: Any, where: str) -> None:
    probe, memo = Sleeper(), school.Memo()

    def fail(_: object) -> None:
        raise ZeroDivisionError("too small")

    setattr(probe, where, fail)
    lesson = _train(school, SampledProbes([probe, Outputs()], memo, budget=1e3), steps=30)
    assert lesson.step == 30
    assert memo.events[0] == ("internal", {"probe": "Sleeper", "problem": "ZeroDivisionError: too small"})
    assert len(memo.events) == 1
    assert len(memo.signals["loss/train"]) > 10


def test_a_resumed_run_begins_with_dense_samples_where_it_stands(school: Any) -> None:
    lesson, probe = school.Lesson(), Sleeper(0.01)
    probes = SampledProbes([probe], school.Memo(), budget=1e-9, expensive=[Updates()])
    lesson.step = 100
    probes.start(lesson.model, step=100)
    for _ in range(20):
        probes.measure(lesson.backward())
        lesson.update()
    assert probe.read_at == [100, 101, 102, 104, 108, 116]


def test_measure_now_reads_at_once_what_needs_no_preparation(school: Any) -> None:
    lesson, memo = school.Lesson(), school.Memo()
    probes = standard_probes(memo, budget=1e-9)
    probes.start(lesson.model)
    for _ in range(12):
        probes.measure(lesson.backward())
        lesson.update()
    moment = lesson.backward()
    probes.measure_now(moment)
    probes.measure_now(moment)
    assert memo.signals["loss/train"].steps.count(12) == 1
    assert memo.signals["loss/train"].steps[-1] == 12
    assert memo.signals["grad/norm"].steps[-1] == 12
    assert memo.signals["activation/mean/0"].steps[-1] == 8
    assert not memo.events


def test_probing_time_is_itself_a_signal(school: Any) -> None:
    memo = school.Memo()
    _train(school, SampledProbes([Sleeper(0.01)], memo, budget=1e-9), steps=20)
    assert memo.signals["time/probe_seconds"].steps == [0, 1, 2, 4, 8, 16]
    assert min(memo.signals["time/probe_seconds"].values) > 0.01
