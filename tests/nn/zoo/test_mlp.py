"""The perceptron solves XOR; zero or constant weights never can (docs/curriculum.md, A2)."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.nn import initialise
from trainwell.nn.zoo.mlp import logistic, mlp

X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = torch.tensor([0.0, 1.0, 1.0, 0.0])


def train_xor(initialisation: str, activation=nn.Tanh) -> tuple[nn.Module, int]:
    net = mlp(input_shape=(2,), outputs=1, hidden=[8], activation=activation)
    initialise(net, initialisation, seed=0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(500):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(X).squeeze(1), Y).backward()
        optimizer.step()
    return net, int(((net(X).squeeze(1) > 0).float() == Y).sum())


def test_xor_is_solved() -> None:
    assert train_xor("xavier_normal")[1] == 4


@pytest.mark.parametrize("initialisation", ["zeros", "constant"])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Sigmoid])
def test_equal_weights_stay_equal_for_ever_and_never_solve_xor(initialisation, activation) -> None:
    net, right = train_xor(initialisation, activation)
    # Every hidden unit starts alike and gets the same gradient, so the layer is one unit copied.
    assert torch.allclose(net.fc1.weight, net.fc1.weight[:1].expand_as(net.fc1.weight), atol=1e-6)
    assert right < 4


def test_layers_are_what_was_asked_for() -> None:
    net = mlp(input_shape=(1, 8, 8), outputs=10, hidden=[100, 50], dropout=0.5)
    assert [name for name, _ in net.named_children()] == [
        "flatten", "fc1", "activation1", "dropout1", "fc2", "activation2", "dropout2", "head",
    ]  # fmt: skip
    assert net(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_logistic_regression_is_one_linear_layer() -> None:
    net = logistic(input_shape=(30,), outputs=1)
    assert sum(parameter.numel() for parameter in net.parameters()) == 31
