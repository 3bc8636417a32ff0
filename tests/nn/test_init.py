"""Initialisations have the spread of their papers (docs/curriculum.md, C1) and are functions of the seed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from trainwell.nn import INITIALISATIONS, initialise

FAN_IN, FAN_OUT = 400, 300
SPREAD = {
    "he_normal": math.sqrt(2 / FAN_IN),
    "he_uniform": math.sqrt(2 / FAN_IN),
    "xavier_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "xavier_uniform": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "lecun_normal": math.sqrt(1 / FAN_IN),
    "lecun_uniform": math.sqrt(1 / FAN_IN),
    "sparse": math.sqrt(2 / FAN_IN),  # 15 of 400 with deviation sqrt(2 / 15)
    "uniform": 0.05 / math.sqrt(3),
    "orthogonal": 1 / math.sqrt(FAN_IN),
    "small_normal": 0.01,
    "large_normal": 1.0,
    "zeros": 0.0,
    "constant": 0.0,
}


def filled(name: str, seed: int = 0) -> nn.Linear:
    layer = nn.Linear(FAN_IN, FAN_OUT)
    initialise(layer, name, seed=seed)
    return layer


@pytest.mark.parametrize("name", list(INITIALISATIONS))
def test_spread_mean_and_bias(name: str) -> None:
    layer = filled(name)
    assert layer.weight.std().item() == pytest.approx(SPREAD[name], rel=0.02, abs=1e-7)
    assert layer.weight.mean().item() == pytest.approx(0.01 if name == "constant" else 0, abs=0.01)
    assert not layer.bias.any()


@pytest.mark.parametrize("name", list(INITIALISATIONS))
def test_weights_are_a_function_of_the_seed(name: str) -> None:
    torch.manual_seed(1)
    first = filled(name, seed=3)
    torch.manual_seed(2)
    assert torch.equal(first.weight, filled(name, seed=3).weight)
    if name not in ("zeros", "constant"):
        assert not torch.equal(first.weight, filled(name, seed=4).weight)


def test_orthogonal_rows_are_orthonormal() -> None:
    weight = filled("orthogonal").weight
    assert torch.allclose(weight @ weight.T, torch.eye(FAN_OUT), atol=1e-5)


def test_sparse_units_have_fifteen_connections_at_most() -> None:
    assert ((filled("sparse").weight != 0).sum(1) == 15).all()
    small = nn.Conv2d(1, 4, 3)
    initialise(small, "sparse", seed=0)
    assert ((small.weight.flatten(1) != 0).sum(1) == 9).all()


def test_hidden_biases_start_where_they_are_told_and_the_heads_at_zero() -> None:
    net = nn.Sequential()
    net.add_module("fc", nn.Linear(3, 4))
    net.add_module("head", nn.Linear(4, 2))
    initialise(net, "he_normal", seed=0, bias=0.01)
    assert (net.fc.bias == 0.01).all() and not net.head.bias.any()


def test_weight_norm_starts_with_the_same_weights() -> None:
    plain, normed = nn.Linear(5, 3), nn.utils.parametrizations.weight_norm(nn.Linear(5, 3))
    for layer in (plain, normed):
        initialise(layer, "he_normal", seed=7)
    assert torch.allclose(plain.weight, normed.weight)


def test_normalisation_layers_keep_scale_one() -> None:
    norm = nn.BatchNorm2d(3)
    initialise(nn.Sequential(norm), "large_normal", seed=0)
    assert torch.equal(norm.weight, torch.ones(3))


def test_he_keeps_the_spread_through_ten_rectified_layers() -> None:
    net = nn.Sequential(*[layer for _ in range(10) for layer in (nn.Linear(500, 500), nn.ReLU())])
    x = torch.randn(256, 500, generator=torch.Generator().manual_seed(0))
    growth = []
    for seed in range(5):
        initialise(net, "he_normal", seed=seed)
        with torch.no_grad():
            growth.append((net(x).square().mean() / x.square().mean()).log().item())
    assert abs(sum(growth) / 5) < math.log(2)  # one draw of ten layers wanders; the law holds on average


@pytest.mark.parametrize("layer", [nn.LSTM(3, 8), nn.GRU(3, 8, bidirectional=True), nn.RNN(3, 8), nn.Embedding(20, 8)])
def test_recurrent_layers_and_embeddings_are_a_function_of_the_seed(layer: nn.Module) -> None:
    initialise(layer, "he_normal", seed=1)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    initialise(layer, "he_normal", seed=2)
    assert not torch.equal(next(iter(before.values())), next(iter(layer.state_dict().values())))
    initialise(layer, "he_normal", seed=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())


def test_recurrent_weights_start_orthogonal_and_the_forget_gate_open() -> None:
    layer = nn.LSTM(3, 8)
    initialise(layer, "he_normal", seed=0)
    for gate in layer.weight_hh_l0.split(8):
        assert torch.allclose(gate @ gate.T, torch.eye(8), atol=1e-5)
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    assert bias[8:16].tolist() == [1.0] * 8 and not bias[:8].any() and not bias[16:].any()


def test_the_row_of_padding_stays_zero() -> None:
    layer = nn.Embedding(500, 64, padding_idx=0)
    initialise(layer, "he_normal", seed=0)
    assert not layer.weight[0].any()
    assert abs(layer.weight[1:].norm(dim=1).mean().item() - 1) < 0.05
