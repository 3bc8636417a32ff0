from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.cost import count_parameters, layers


def test_lenet_has_the_published_costs(lenet: nn.Sequential) -> None:
    table = [layer for layer in layers(lenet, (1, 28, 28)) if layer.parameters]
    assert [layer.parameters for layer in table] == [156, 2416, 48120, 10164, 850]
    assert [layer.multiply_adds for layer in table] == [117_600, 240_000, 48_000, 10_080, 840]
    assert [layer.output_shape for layer in table] == [(6, 28, 28), (16, 10, 10), (120,), (84,), (10,)]
    assert table[0].activation_bytes == 4 * 6 * 28 * 28


def test_parameters_add_up_and_the_network_is_left_alone(lenet: nn.Sequential) -> None:
    lenet[7].bias.requires_grad_(False)
    table = layers(lenet, (1, 28, 28))
    assert sum(layer.parameters for layer in table) == 61_706 == sum(p.numel() for p in lenet.parameters())
    assert lenet.training
    assert not any(module._forward_hooks for module in lenet.modules())
    assert {p.device.type for p in lenet.parameters()} == {"cpu"}
    assert count_parameters(lenet)["frozen"] == 120


class LooksAtValues(nn.Module):
    """Cannot run on the meta device."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs if inputs.sum() >= 0 else -inputs)


def test_a_network_that_looks_at_values_runs_on_the_processor() -> None:
    (layer,) = layers(LooksAtValues(), (4,))
    assert (layer.name, layer.output_shape, layer.multiply_adds) == ("layer", (3,), 12)


class Attends(nn.Module):
    """Holds numbers itself, computes by functions, and shares a layer between two calls."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(1, 5, 8))
        self.project = nn.Linear(8, 8, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.project(self.project(inputs + self.start))
        return F.softmax(hidden @ hidden.transpose(1, 2), dim=-1) @ hidden


def test_what_a_container_holds_and_computes_is_listed() -> None:
    whole, project = layers(Attends(), (5, 8))
    assert (whole.name, whole.parameters, whole.multiply_adds) == ("", 40, 2 * 5 * 5 * 8)
    assert (project.parameters, project.multiply_adds, project.activation_bytes) == (64, 2 * 5 * 64, 2 * 4 * 40)


def test_tokens() -> None:
    table = layers(nn.Sequential(nn.Embedding(100, 16), nn.Linear(16, 4)), (7,), dtype=torch.long)
    assert [(layer.output_shape, layer.multiply_adds) for layer in table] == [((7, 16), 0), ((7, 4), 7 * 64)]


def test_shared_weights_count_once() -> None:
    first, second = nn.Linear(6, 6), nn.Linear(6, 6)
    second.weight = first.weight
    assert [layer.parameters for layer in layers(nn.Sequential(first, second), (6,))] == [42, 6]


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.GroupNorm(2, 4)])
def test_normalisation_needs_no_second_example(norm: nn.Module) -> None:
    table = layers(nn.Sequential(nn.Conv2d(3, 4, 3, groups=1), norm), (3, 8, 8))
    assert table[1].parameters == 8
