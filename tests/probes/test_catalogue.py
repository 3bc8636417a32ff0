from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from trainwell.core.contracts.protocols import PreparedProbe
from trainwell.probes import CHEAP, EXPENSIVE, standard_probes

EVERY = {**CHEAP, **EXPENSIVE}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", EVERY)
def test_probe_writes_finite_numbers_and_changes_nothing(school: Any, name: str, dtype: torch.dtype) -> None:
    lesson, probe = school.Lesson(school.network().to(dtype)), EVERY[name]()
    lesson.batch = lesson.batch.replace(inputs=lesson.batch.inputs.to(dtype))
    seen: dict[str, float] = {}
    for _ in range(3):
        lesson.backward()
        if isinstance(probe, PreparedProbe):
            probe.prepare(lesson.model)
        lesson.update()
        draws = torch.get_rng_state()
        moment = lesson.backward()
        before = [(p.detach().clone(), p.grad.clone()) for p in lesson.model.parameters()]
        seen |= probe.read(moment)
        for (weight, gradient), parameter in zip(before, lesson.model.parameters(), strict=True):
            assert torch.equal(weight, parameter)
            assert torch.equal(gradient, parameter.grad)
        assert torch.equal(draws, torch.get_rng_state())
    assert seen
    assert all(type(value) is float and math.isfinite(value) for value in seen.values())


def test_standard_probes_reads_all_of_them(school: Any) -> None:
    memo, lesson = school.Memo(), school.Lesson()
    probes = standard_probes(memo, budget=1e3)
    probes.start(lesson.model)
    for _ in range(40):
        probes.measure(lesson.backward())
        lesson.update()
    probes.stop()
    heads = {name.partition("/")[0] for name in memo.signals}
    assert heads == {"loss", "output", "input", "grad", "weight", "update", "activation", "time", "memory"}
    assert not memo.events
