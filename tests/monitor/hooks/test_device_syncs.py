"""No accelerator is at hand in the tests: the processor is taken for one, by naming another kind of device the host."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainwell.monitor import Record, Session
from trainwell.monitor.hooks.counters import PassCounter
from trainwell.monitor.hooks.device_syncs import DeviceSyncs

ASK: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.item(),
    "list": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu"),
    "float": float,
    "int": int,
    "truth": lambda x: 1 if x > 0 else 0,
    "index": lambda x: [1, 2, 3][x.long()],
    "print": lambda x: print(x, file=io.StringIO()),
    "text": lambda x: f"{x:.3f}",
}
FREE: dict[str, Callable[[Tensor], object]] = {
    "arithmetic": lambda x: (x + 1).sum(),
    "detach": lambda x: x.detach(),
    "elsewhere": lambda x: x.to("meta"),
    "shape": lambda x: (x.shape, x.ndim, x.device),
}


def counted(ask: Callable[[Tensor], object], *, host: str, steps: int = 8) -> list[float]:
    passes = PassCounter()
    syncs = DeviceSyncs(passes, host=host)
    model, asked = nn.Linear(2, 2), torch.tensor(2.0)
    syncs.shares(model, 0)
    try:
        for _ in range(steps):
            passes.count += 1
            for _ in range(3):
                ask(asked)
        return list(syncs.shares(model, steps).values())
    finally:
        syncs.remove()


@pytest.mark.parametrize("name", ASK)
def test_what_waits_is_counted_once_in_a_step(name: str) -> None:
    assert counted(ASK[name], host="elsewhere") == [1.0]


@pytest.mark.parametrize("name", FREE)
def test_what_does_not_wait_is_not_counted(name: str) -> None:
    assert counted(FREE[name], host="elsewhere") == []


def test_on_the_processor_nothing_is_installed() -> None:
    before = dict(vars(Tensor))
    syncs = DeviceSyncs(PassCounter())
    assert syncs.shares(nn.Linear(2, 2), 0) == {}
    assert dict(vars(Tensor)) == before
    assert counted(ASK["item"], host="cpu") == []


def test_everything_is_left_as_it_was() -> None:
    before = dict(vars(Tensor))
    syncs = DeviceSyncs(PassCounter(), host="elsewhere")
    syncs.shares(nn.Linear(2, 2), 0)
    during = dict(vars(Tensor))
    syncs.remove()
    assert dict(vars(Tensor)) == before != during
    assert float(nn.Parameter(torch.tensor(1.5)).detach()) == 1.5


def test_a_line_that_waits_once_in_a_while_is_told_from_one_in_every_step(school: Any) -> None:
    session = Session(Record(None, lambda line: None), budget=1e3, host="elsewhere")
    session.start()
    lesson, total = school(), 0.0
    for step in range(40):
        lesson.train(1)
        total += lesson.loss().item()
        if step % 20 == 0:
            total += lesson.loss().item()
    findings = session.finish()
    waits = session.trainings.all[0].series.signals.under("code/waits")
    always, seldom = sorted(waits.values(), key=lambda series: -sum(series.values))
    assert min(always.values) >= 0.9 > 0.5 > max(seldom.tail(5))
    assert [finding.rule for finding in findings] == ["host_syncs"]
    assert len(findings[0].where) == 1 and "test_device_syncs.py:" in findings[0].where[0]
    assert session.record.events == []


def test_a_compiled_network_finds_plain_tensors() -> None:
    before = dict(vars(Tensor))
    session = Session(Record(None, lambda line: None), budget=1e3, host="elsewhere")
    session.start()
    session.observer.compiled(nn.Linear(2, 2))
    assert session.observer.hooks.device_syncs.shares(nn.Linear(2, 2), 0) == {}
    assert dict(vars(Tensor)) == before
    session.finish()
