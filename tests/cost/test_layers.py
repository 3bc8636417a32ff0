from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.facts import InputFacts
from trainwell.cost import count_parameters, layers
from trainwell.nn import MODELS
from trainwell.recipe.sections import NetworkRecipe


def test_lenet_has_the_published_costs(lenet: nn.Sequential) -> None:
    table = [layer for layer in layers(lenet, InputFacts((1, 28, 28))) if layer.parameters]
    assert [layer.parameters for layer in table] == [156, 2416, 48120, 10164, 850]
    assert [layer.multiply_adds for layer in table] == [117_600, 240_000, 48_000, 10_080, 840]
    assert [layer.output_shape for layer in table] == [(6, 28, 28), (16, 10, 10), (120,), (84,), (10,)]
    assert table[0].activation_bytes == 4 * 6 * 28 * 28


def test_parameters_add_up_and_the_network_is_left_alone(lenet: nn.Sequential) -> None:
    lenet[7].bias.requires_grad_(False)
    table = layers(lenet, InputFacts((1, 28, 28)))
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
    (layer,) = layers(LooksAtValues(), InputFacts((4,)))
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
    whole, project = layers(Attends(), InputFacts((5, 8)))
    assert (whole.name, whole.parameters, whole.multiply_adds) == ("", 40, 2 * 5 * 5 * 8)
    assert (project.parameters, project.multiply_adds, project.activation_bytes) == (64, 2 * 5 * 64, 2 * 4 * 40)


def test_tokens() -> None:
    table = layers(nn.Sequential(nn.Embedding(100, 16), nn.Linear(16, 4)), InputFacts((7,), vocabulary=100))
    assert [(layer.output_shape, layer.multiply_adds) for layer in table] == [((7, 16), 0), ((7, 4), 7 * 64)]


def test_shared_weights_count_once() -> None:
    first, second = nn.Linear(6, 6), nn.Linear(6, 6)
    second.weight = first.weight
    assert [layer.parameters for layer in layers(nn.Sequential(first, second), InputFacts((6,)))] == [42, 6]


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.GroupNorm(2, 4)])
def test_normalisation_needs_no_second_example(norm: nn.Module) -> None:
    table = layers(nn.Sequential(nn.Conv2d(3, 4, 3, groups=1), norm), InputFacts((3, 8, 8)))
    assert table[1].parameters == 8


# The tables of docs/curriculum.md, K1: output, parameters, multiply-adds of the layers that have any.
TABLES = {
    "lenet": [
        ((6, 28, 28), 156, 117_600), ((16, 10, 10), 2_416, 240_000), ((120,), 48_120, 48_000),
        ((84,), 10_164, 10_080), ((10,), 850, 840),
    ],
    "alexnet": [
        ((96, 55, 55), 34_944, 105_415_200), ((256, 27, 27), 614_656, 447_897_600),
        ((384, 13, 13), 885_120, 149_520_384), ((384, 13, 13), 1_327_488, 224_280_576),
        ((256, 13, 13), 884_992, 149_520_384), ((4096,), 37_752_832, 37_748_736), ((4096,), 16_781_312, 16_777_216),
        ((1000,), 4_097_000, 4_096_000),
    ],
    "zfnet": [
        ((96, 110, 110), 14_208, 170_755_200), ((256, 26, 26), 614_656, 415_334_400),
        ((512, 13, 13), 1_180_160, 199_360_512), ((1024, 13, 13), 4_719_616, 797_442_048),
        ((512, 13, 13), 4_719_104, 797_442_048), ((4096,), 75_501_568, 75_497_472), ((4096,), 16_781_312, 16_777_216),
        ((1000,), 4_097_000, 4_096_000),
    ],
    "vgg16": [
        ((64, 224, 224), 1_792, 86_704_128), ((64, 224, 224), 36_928, 1_849_688_064),
        ((128, 112, 112), 73_856, 924_844_032), ((128, 112, 112), 147_584, 1_849_688_064),
        ((256, 56, 56), 295_168, 924_844_032), ((256, 56, 56), 590_080, 1_849_688_064),
        ((256, 56, 56), 590_080, 1_849_688_064), ((512, 28, 28), 1_180_160, 924_844_032),
        ((512, 28, 28), 2_359_808, 1_849_688_064), ((512, 28, 28), 2_359_808, 1_849_688_064),
        ((512, 14, 14), 2_359_808, 462_422_016), ((512, 14, 14), 2_359_808, 462_422_016),
        ((512, 14, 14), 2_359_808, 462_422_016), ((4096,), 102_764_544, 102_760_448),
        ((4096,), 16_781_312, 16_777_216), ((1000,), 4_097_000, 4_096_000),
    ],
}  # fmt: skip


def table_of(name: str) -> list:
    network = MODELS[name]
    facts = network.published.input
    assert facts is not None
    with torch.device("meta"):
        model = network.build(NetworkRecipe(), facts, network.published.classes)
    return [row for row in layers(model, facts) if not row.name.startswith("auxiliary")]


@pytest.mark.parametrize("name", list(TABLES))
def test_layer_tables(name: str) -> None:
    rows = [(row.output_shape, row.parameters, row.multiply_adds) for row in table_of(name) if row.parameters]
    assert rows == TABLES[name]


# Parameters without auxiliary heads, exactly; multiply-adds in millions as published, within 1 %.
# alexnet, zfnet: as taught (K1). vgg: paper, table 2. googlenet: the columns of the paper's table 1, 1,502 M in all.
# inception_v3: the authors' program; 5.7 G is its widely quoted count (the paper says 5 billion). resnet: parameters of
# the reference implementation, multiply-adds of the paper's table 1 (1.8, 3.6, 3.8, 7.6, 11.3 G, cut off after the
# first digit: here with the digits that their table stands for). mobilenet: the paper's table 6.
TOTALS = {
    "lenet": (61_706, 0.4165), "alexnet": (62_378_344, 1_135), "zfnet": (107_627_624, 2_477),
    "vgg16": (138_357_544, 15_470), "vgg19": (143_667_240, 19_632), "googlenet": (6_991_856, 1_502),
    "inception_v3": (23_834_568, 5_713), "resnet18": (11_689_512, 1_814), "resnet34": (21_797_672, 3_664),
    "resnet50": (25_557_032, 3_858), "resnet101": (44_549_160, 7_570), "resnet152": (60_192_808, 11_300),
    "mobilenet": (4_231_976, 569), "deepface": (118_923_774, 517.6),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TOTALS))
def test_totals(name: str) -> None:
    rows = table_of(name)
    parameters, millions = TOTALS[name]
    assert sum(row.parameters for row in rows) == parameters
    assert sum(row.multiply_adds for row in rows) / 1e6 == pytest.approx(millions, rel=0.01)
