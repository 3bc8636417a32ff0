"""A small network to measure, and a recorder in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.moment import Moment
from trainwell.core.contracts.protocols import PreparedProbe, Probe
from trainwell.core.signals import Signals


class Memo:
    """A recorder that keeps everything in memory."""

    def __init__(self) -> None:
        self.signals = Signals()
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def signal(self, name: str, step: int, value: float) -> None:
        self.signals.add(name, step, value=value)

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((kind, detail))


def network(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


class Lesson:
    """One network that is trained step by step."""

    def __init__(self, model: nn.Module | None = None, rate: float = 0.1) -> None:
        self.model = model or network()
        self.optimizer = torch.optim.SGD(self.model.parameters(), rate)
        draw = torch.Generator().manual_seed(1)
        self.batch = Batch(
            {
                "inputs": torch.randn(32, 6, generator=draw),
                "targets": torch.randint(0, 3, (32,), generator=draw),
            }
        )
        self.step = 0

    def backward(self) -> Moment:
        self.optimizer.zero_grad()
        outputs = self.model(self.batch.inputs)
        loss = F.cross_entropy(outputs, self.batch.targets)
        loss.backward()
        return Moment(self.step, self.model, self.optimizer, self.batch, outputs, loss.detach())

    def update(self) -> None:
        self.optimizer.step()
        self.step += 1

    def read(self, probe: Probe) -> Mapping[str, float]:
        """Prepare, go forward and backward, read, update."""
        if isinstance(probe, PreparedProbe):
            probe.prepare(self.model)
        measured = probe.read(self.backward())
        self.update()
        return measured


@pytest.fixture
def school() -> ModuleType:
    """This module: what the tests of the probes share."""
    return sys.modules[__name__]
