"""Networks with one fault each, beside healthy ones, on a small problem anybody can learn."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.doctor.preflight.subject import PreflightSubject
from trainwell.fitting.fit import understand


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    """200 points of 3 classes in 6 dimensions; the class shows in the first two."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 6, generator=generator)
    return inputs, torch.bucketize(inputs[:, 0] + inputs[:, 1], torch.tensor([-0.6, 0.6]))


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))


@pytest.fixture
def subject(data, network):
    """Build a subject of a network (or of the healthy one) on the data, or of a bundled data set's recipe."""

    def build(model: nn.Module | None = None, *, source=None, optimizer=None, **edits: object) -> PreflightSubject:
        changes = {key.replace("__", "."): value for key, value in edits.items()}
        if source is not None:
            return PreflightSubject(understand(source, model, changes=changes), optimizer)
        changes = {"optim.learning_rate": 0.01, "nn.model": "custom", **changes}
        return PreflightSubject(understand(data, network if model is None else model, changes=changes), optimizer)

    return build
