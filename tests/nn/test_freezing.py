"""Which layers learn (docs/curriculum.md, P1, D2)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.nn import Freezing, head_names
from trainwell.nn.freezing import count_frozen, layers, names_of_new
from trainwell.nn.zoo.resnet import resnet20

NAMES = ["conv1", "stages.0.conv", "stages.1.conv", "fc"]


def network() -> nn.Module:
    return resnet20(input_shape=(3, 8, 8), outputs=3, width=4)


def test_a_residual_network_has_its_nineteen_convolutions_and_a_head() -> None:
    net = network()
    found = layers(net)
    assert len(found) == 20
    assert head_names(net) == ("head",)
    assert sum(len(layer.parameters) for layer in found) == len(list(net.parameters()))
    assert all(len(layer.statistics) == 1 for layer in found[:-1])  # the normalisation belongs to its convolution


@pytest.mark.parametrize(
    ("freeze", "count"),
    [("none", 0), ("features", 4), ("0", 0), ("2", 2), ("-1", 3), ("-4", 0), ("conv1", 1), ("stages", 3), ("fc", 4)],
)
def test_what_is_frozen_can_be_said_in_many_ways(freeze, count) -> None:
    assert count_frozen(NAMES, freeze) == count


@pytest.mark.parametrize(
    ("freeze", "said"),
    [("conv2", "Did you mean 'conv1'"), ("5", "at most 4"), ("-5", "at most 4"), ("--3", "name a layer")],
)
def test_a_layer_that_is_not_there_is_one_sentence(freeze, said) -> None:
    with pytest.raises(UsageError, match=said):
        count_frozen(NAMES, freeze)


def test_what_starts_anew_is_not_frozen() -> None:
    net = network()
    first, second, *_ = (layer.name for layer in layers(net))
    new = names_of_new(net, first)
    assert Freezing(net, freeze=first, new=new).frozen == 1
    with pytest.raises(UsageError, match=f"'features' freezes {second}. Freeze at most"):
        Freezing(net, freeze="features", new=new)


def test_frozen_layers_stand_still_their_statistics_too() -> None:
    net = network()
    freezing = Freezing(net, freeze="features")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        net.train()  # as the end of an evaluation does
        freezing.arrange(0)
        net(torch.randn(4, 3, 8, 8)).sum().backward()
        optimizer.step()
    changed = [name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])]
    assert changed == ["head.weight", "head.bias"]


def test_layers_thaw_from_the_head_down_as_a_function_of_the_epoch() -> None:
    net = network()
    freezing = Freezing(net, freeze="3", every=2)
    trained = []
    for epoch in (0, 1, 2, 3, 4, 6, 9, 0):
        freezing.arrange(epoch)
        trained.append(sum(not p.requires_grad for p in net.parameters()))
    assert trained == [9, 9, 6, 6, 3, 0, 0, 9]  # a convolution and its normalisation have three parameters
