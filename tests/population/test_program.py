"""The program that members share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainwell.population.dropout import MemberDropout
from trainwell.population.program import SharedProgram
from trainwell.tasks.classify import Classify


class Custom(nn.Module):
    """A layer that only mapping supports."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sin()


@pytest.mark.parametrize("layer", [nn.Tanh(), Custom()], ids=["grouped", "mapped"])
def test_outputs_are_those_of_each_member(layer: nn.Module) -> None:
    networks = [nn.Sequential(nn.Linear(5, 4), layer, nn.Linear(4, 3)) for _ in range(3)]
    task = Classify(classes=3)
    program = SharedProgram(networks[0], task, input_shape=(5,), has_dropout=False)
    weights = {
        name: torch.stack([dict(n.named_parameters())[name].detach() for n in networks])
        for name, _ in networks[0].named_parameters()
    }
    inputs = torch.randn(7, 5)
    outputs = program.forward(weights, {})(inputs)
    assert outputs.shape == (3, 7, 3)
    for own, network in zip(outputs, networks, strict=True):
        torch.testing.assert_close(own, network(inputs))
    gradients, _, losses = program.gradient(weights, {}, settings={}, batch=(inputs, torch.arange(7) % 3), shared=True)
    assert losses.shape == (3,) and gradients["0.weight"].shape == (3, 4, 5)


@pytest.mark.parametrize("has_dropout", [True, False])
def test_dropout_that_no_member_uses_is_removed_from_a_copy(has_dropout: bool) -> None:
    model = nn.Sequential(nn.Linear(5, 4), MemberDropout(0.0), nn.Linear(4, 3))
    program = SharedProgram(model, Classify(classes=3), input_shape=(5,), has_dropout=has_dropout)
    assert any(isinstance(layer, MemberDropout) for layer in program.model) is has_dropout
    assert isinstance(model[1], MemberDropout)
