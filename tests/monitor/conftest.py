"""Small trainings to watch, and the ward that runs whole scripts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch
import ward
from torch import nn
from torch.nn import functional as F

from trainwell.monitor import Record, Session


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that are fresh for each script."""
    with ward.processes() as executor:
        yield executor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def session(said: list[str]) -> Iterator[Session]:
    """A session that listens."""
    session = Session(Record(None, said.append), budget=1e3, source="script.py")
    session.start()
    yield session
    session.finish()


class School:
    """A network, its data, and a loop of a few steps."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.inputs, self.targets = torch.randn(256, 8), torch.randint(0, 3, (256,))
        self.model: nn.Module = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def loss(self, start: int = 0) -> torch.Tensor:
        batch = slice(start % 256, start % 256 + 32)
        return F.cross_entropy(self.model(self.inputs[batch]), self.targets[batch])

    def train(self, steps: int) -> None:
        for step in range(steps):
            self.optimizer.zero_grad()
            self.loss(32 * step).backward()
            self.optimizer.step()


@pytest.fixture
def school() -> type[School]:
    return School
