"""A recipe's choices reach every architecture that has a place for them (docs/curriculum.md, D1, G1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.nn import MODELS, NORMALISATION_NAMES, DropConnect, batch_dependent, initialise, modify
from trainwell.nn.layers import ClassicDropout, StochasticPool2d
from trainwell.recipe.sections import NetworkRecipe

IMAGE = (3, 32, 32)


def built(model: str = "lenet5", shape=IMAGE, **choices) -> nn.Module:
    recipe = NetworkRecipe(model=model, **choices)
    network = MODELS[model].build(recipe, InputFacts(shape), 5)
    modify(network, recipe, facts=InputFacts(shape))
    initialise(network, recipe.initialisation, seed=0)
    return network


def kinds(network: nn.Module) -> list[type]:
    return [type(module) for module in network.modules()]


@pytest.mark.parametrize("name", NORMALISATION_NAMES)
@pytest.mark.parametrize("model", ["lenet5", "resnet20"])
def test_every_normalisation_trains_in_plain_and_in_designed_networks(model: str, name: str) -> None:
    network = built(model, normalisation=name)
    out = network(torch.randn(128, *IMAGE))
    out.square().mean().backward()
    assert out.shape == (128, 5)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    designed = model == "resnet20" and name == "as_designed"
    assert batch_dependent(network) is (designed or name in ("batch", "decorrelated"))


@pytest.mark.parametrize(
    ("place", "order"), [("before", [nn.BatchNorm1d, nn.ReLU]), ("after", [nn.ReLU, nn.BatchNorm1d])]
)
def test_the_place_is_before_or_after_the_non_linearity(place: str, order) -> None:
    network = built("mlp", (4,), hidden=(6,), normalisation="batch", normalise=place)
    assert [type(part) for part in network.activation1] == order


def test_batch_norm_is_per_feature_map_in_convolutions_and_per_neuron_behind() -> None:
    found = kinds(built(normalisation="batch"))
    assert (found.count(nn.BatchNorm2d), found.count(nn.BatchNorm1d)) == (2, 2)


def test_weight_norm_splits_every_layer_and_keeps_its_first_weights() -> None:
    plain, normed = built(), built(normalisation="weight")
    x = torch.randn(4, *IMAGE)
    assert torch.allclose(plain(x), normed(x), atol=1e-5)
    assert sum("original" in name for name, _ in normed.named_parameters()) == 10


def test_dropout_reaches_networks_that_were_designed_without() -> None:
    assert kinds(built(dropout=0.3)).count(nn.Dropout) == 2
    assert kinds(built("mlp", (4,), hidden=(6,), dropout=0.3)).count(nn.Dropout) == 1
    classic = [m.p for m in built(dropout=0.3, classic_dropout=True).modules() if isinstance(m, ClassicDropout)]
    assert classic == [0.3, 0.3]


@pytest.mark.parametrize("name", ["group", "weight", "decorrelated", "none"])
def test_dropout_comes_last_beside_a_normalisation(name: str) -> None:
    network = built(dropout=0.3, normalisation=name)
    assert [type(part) for part in network.activation4][-2:] == [nn.ReLU, nn.Dropout]
    assert kinds(network).count(nn.Dropout) == 2


@pytest.mark.parametrize("model", ["resnet9", "resnet20", "resnet18"])
def test_without_hidden_dense_layers_dropout_takes_the_features_of_the_head(model: str) -> None:
    network = built(model, dropout=0.5, width=4, width_factor=0.1)
    assert list(network.state_dict()) == list(built(model, width=4, width_factor=0.1).state_dict())
    seen = []
    network.head.register_forward_pre_hook(lambda head, given: seen.append(given[0]))
    network.train()(torch.rand(8, *IMAGE) + 1)
    assert [name for name, part in network.named_modules() if type(part) is nn.Dropout] == ["flatten.dropout"]
    assert 0.2 < (seen[0] == 0).float().mean() < 0.95


@pytest.mark.parametrize("pooling", ["max", "average", "stochastic"])
@pytest.mark.parametrize("model", ["googlenet", "deepface"])
def test_another_pooling_keeps_the_sizes_of_the_layers(model: str, pooling: str) -> None:
    assert built(model, (3, 72, 72), pooling=pooling, width_factor=0.05)(torch.rand(2, 3, 72, 72)).shape == (2, 5)


def test_dropconnect_takes_the_hidden_dense_layers() -> None:
    network = built(dropconnect=0.4)
    assert [m.p for m in network.modules() if isinstance(m, DropConnect)] == [0.4, 0.4]
    assert type(network.head) is nn.Linear


def test_pooling_and_activation_are_exchanged() -> None:
    network = built(pooling="stochastic", activation="tanh")
    assert kinds(network).count(StochasticPool2d) == 2 and nn.MaxPool2d not in kinds(network)
    assert nn.ReLU not in kinds(built("resnet20", activation="tanh"))


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"model": "resnet20", "dropconnect": 0.5}, "no hidden fully connected layer"),
        ({"model": "mlp", "pooling": "max"}, "no max or average pooling"),
        ({"model": "mlp", "normalisation": "instance"}, "no feature map"),
        ({"model": "logistic", "normalisation": "batch"}, "no layer with a non-linearity"),
        ({"model": "resnet20", "normalisation": "group", "normalise": "after"}, "must be 'before'"),
    ],
)
def test_what_has_no_place_is_refused(choices, words) -> None:
    with pytest.raises(UsageError, match=words):
        built(**choices)
