from __future__ import annotations

import time
from typing import Any

import torch

from trainwell.probes import Time


def test_step_and_data_seconds(school: Any) -> None:
    lesson, probe = school.Lesson(), Time()
    assert lesson.read(probe) == {}, "the first step was preceded by no step"
    lesson.backward()
    probe.prepare(lesson.model)
    lesson.update()
    time.sleep(0.02)
    with torch.no_grad():
        lesson.model(lesson.batch.inputs)
    moment = lesson.backward()
    measured = probe.read(moment)
    assert 0.02 <= measured["time/data_seconds"] <= measured["time/step_seconds"] < 1.0


def test_hooks_are_gone_after_reading(school: Any) -> None:
    lesson, probe = school.Lesson(), Time()
    lesson.read(probe)
    lesson.read(probe)
    assert not lesson.model._forward_pre_hooks
    assert not lesson.optimizer._optimizer_step_post_hooks
