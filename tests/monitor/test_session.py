from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
import ward
from torch import nn
from torch.nn import functional as F

from trainwell.monitor import Record, Session


def _names(session: Session, prefix: str = "") -> set[str]:
    return {name for name in session.trainings.all[0].series.signals if name.startswith(prefix)}


def test_everything_is_measured(session: Session, school: Any) -> None:
    lesson = school()
    lesson.train(20)
    training = session.trainings.all[0]
    assert training.network.model is lesson.model
    assert _names(session) >= {
        "loss/train",
        "grad/norm/0.weight",
        "weight/norm/2.weight",
        "update/ratio/0.weight",
        "activation/std/0",
        "input/std",
        "output/std",
        "learning_rate",
    }
    assert 0 in training.series.signals["activation/std/0"].steps
    assert session.finish() == []
    assert session.record.events == []
    assert session.trainings.watch_seconds > 0


def test_the_loss_is_recorded_as_it_is(session: Session, school: Any) -> None:
    lesson = school()
    with torch.no_grad():
        expected = lesson.loss(0).item()
    lesson.train(3)
    assert session.trainings.all[0].series.signals["loss/train"].first == pytest.approx(expected)


def test_parts_that_are_called_apart_are_put_together(session: Session) -> None:
    encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        inputs = torch.randn(16, 4)
        F.mse_loss(decoder(encoder(inputs)), inputs).backward()
        optimizer.step()
    assert _names(session, "grad/norm/") == {
        f"grad/norm/{part}.{kind}" for part in ("encoder", "decoder") for kind in ("weight", "bias")
    }


def test_the_module_whose_method_calls_the_parts_is_the_network(session: Session) -> None:
    class Lightning(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 8), nn.Linear(8, 2)

        def training_step(self) -> torch.Tensor:
            return self.head(self.body(torch.randn(8, 4))).square().mean()

    module = Lightning()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        module.training_step().backward()
        optimizer.step()
    assert session.trainings.all[0].network.model is module


def test_accumulated_batches_are_one_step(session: Session, school: Any) -> None:
    lesson = school()
    for number in range(12):
        (lesson.loss(32 * number) / 4).backward()
        if number % 4 == 3:
            lesson.optimizer.step()
            lesson.optimizer.zero_grad()
    training = session.trainings.all[0]
    assert training.step == 3
    assert training.series.signals["loss/train"].first > 0.8, "the loss of the whole batch, not a quarter of it"
    assert training.series.signals["code/gradient_before_backward"].values == [0.0, 0.0]


def test_closures_are_measured_inside_their_step(session: Session, school: Any) -> None:
    lesson = school()
    optimizer = torch.optim.LBFGS(lesson.model.parameters(), max_iter=2)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = lesson.loss()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    training = next(one for one in session.trainings.all if optimizer in one.optimizers.alive())
    assert training.step == 5
    assert all(value > 0 for value in training.series.signals["grad/norm"].values)


def test_a_scaled_loss_is_scaled_back(session: Session, school: Any) -> None:
    lesson = school()
    scaler = torch.amp.GradScaler("cpu", init_scale=4096.0)
    for step in range(4):
        lesson.optimizer.zero_grad()
        scaler.scale(lesson.loss(32 * step)).backward()
        scaler.step(lesson.optimizer)
        scaler.update()
    assert all(0 < value < 3 for value in session.trainings.all[0].series.signals["loss/train"].values)


def test_evaluation_in_between_is_seen(session: Session, school: Any) -> None:
    lesson = school()
    lesson.model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, 3))
    lesson.optimizer = torch.optim.SGD(lesson.model.parameters(), lr=0.1)
    for _ in range(3):
        lesson.train(8)
        with torch.no_grad():
            lesson.model(lesson.inputs)
    assert session.trainings.all[0].series.signals["code/evaluation_in_train_mode"].values == [1.0] * 3


def test_a_compiled_network_gets_no_hooks(session: Session, school: Any) -> None:
    lesson = school()
    session.observer.compiled(lesson.model)
    lesson.train(10)
    assert ward.leftovers() != []  # the hooks are still there, but none on modules
    assert not torch.nn.modules.module._global_forward_hooks
    assert _names(session, "grad/norm/") and not _names(session, "activation/")


def test_a_shown_loss_is_taken(session: Session, school: Any) -> None:
    lesson = school()
    for step in range(4):
        loss = lesson.loss(32 * step)
        session.show_loss(loss)
        gradients = torch.autograd.grad(loss, list(lesson.model.parameters()))
        for parameter, gradient in zip(lesson.model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        lesson.optimizer.step()
    assert _names(session, "loss/train")
    assert _names(session, "grad/norm/0.weight")


def test_too_much_trouble_ends_the_watching(session: Session) -> None:
    for _ in range(20):
        session.observer.failed(ValueError("no"))
    assert ward.leftovers() == []


def test_a_failing_rule_stays_with_us(school: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Record(None, print), budget=1e3)
    monkeypatch.setattr(session.trainings, "judge_if_due", lambda *a, **k: 1 / 0)
    session.start()
    school().train(5)
    session.finish()
    assert all(detail["problem"].startswith("ZeroDivisionError") for _, detail in session.record.events)
    assert session.record.events


def test_no_budget_no_watching(school: Any) -> None:
    session = Session(Record(None, print), budget=0.0)
    session.start()
    assert ward.leftovers() == []
    school().train(3)
    assert session.finish() == []


def test_nothing_of_a_batch_is_kept(session: Session, school: Any) -> None:
    lesson = school()
    lesson.train(17)
    answer = lesson.model(lesson.inputs)
    kept = weakref.ref(answer)
    F.cross_entropy(answer, lesson.targets).backward()
    lesson.optimizer.step()
    del answer
    gc.collect()
    assert kept() is None


def test_many_optimizers_that_are_all_right(session: Session, school: Any) -> None:
    lessons = [school() for _ in range(45)]
    for _ in range(6):
        for lesson in lessons:
            lesson.train(1)
    assert session.finish() == []
    assert session.record.events == []


def test_evaluations_are_heard_after_one_whose_listening_ended_amid_a_forward_pass(
    session: Session, school: Any
) -> None:
    lesson = school()
    for _ in range(14):
        lesson.train(8)
        with torch.no_grad():
            lesson.loss()
    session.finish()
    assert len(session.trainings.all[0].series.signals["loss/validation"]) >= 12
