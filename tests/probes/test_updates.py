from __future__ import annotations

from typing import Any

import pytest

from trainwell.probes import Updates


def test_ratio_is_that_of_the_step_in_between(school: Any) -> None:
    lesson, probe = school.Lesson(rate=0.1), Updates()
    moment = lesson.backward()
    before = {name: p.detach().clone() for name, p in lesson.model.named_parameters()}
    probe.prepare(lesson.model)
    gradients = {name: p.grad.clone() for name, p in lesson.model.named_parameters()}
    lesson.update()
    measured = probe.read(lesson.backward())
    for name, weight in before.items():
        assert measured[f"update/ratio/{name}"] == pytest.approx(
            (0.1 * gradients[name].norm() / weight.norm()).item(), rel=1e-4
        )
    assert moment.step == 0


def test_nothing_is_written_if_no_step_was_taken(school: Any) -> None:
    lesson, probe = school.Lesson(), Updates()
    probe.prepare(lesson.model)
    assert probe.read(lesson.backward()) == {}
    assert probe.read(lesson.backward()) == {}


def test_a_parameter_the_optimizer_does_not_have_is_exactly_zero(school: Any) -> None:
    lesson, probe = school.Lesson(), Updates()
    lesson.optimizer.param_groups[0]["params"] = list(lesson.model[3].parameters())
    lesson.backward()
    probe.prepare(lesson.model)
    lesson.update()
    measured = probe.read(lesson.backward())
    assert measured["update/ratio/0.weight"] == 0.0
    assert measured["update/ratio/3.weight"] > 0.0
