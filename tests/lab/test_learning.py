"""Training sessions of the lab: the networks of all seeds side by side, and none sees another."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.core.errors import DataError
from trainwell.lab.learning import StackedLinear, StackedNorm, dense, evaluate, hidden_weights, images, train
from trainwell.lab.result import Conditions

TWO = Conditions(seeds=2)


def test_images_are_standardised_by_the_training_part_and_never_overlap() -> None:
    data = images(Conditions(), train=300, held=200)
    assert data.inputs.shape == (5, 300, 1, 8, 8) and data.shape == (1, 8, 8) and data.features == 64
    for seen, held in zip(data.inputs, data.held_inputs, strict=True):
        assert abs(seen.mean().item()) < 1e-5 and abs(seen.std().item() - 1) < 1e-5
        assert abs(held.mean().item()) > 1e-5
        assert len({tuple(row) for row in torch.cat([seen, held]).flatten(1).tolist()}) == 500
    assert not torch.equal(data.targets[0], data.targets[1])  # every seed has a split of its own


@pytest.mark.parametrize(
    ("source", "says"), [("iris", "images with classes, got rows of a table"), ("digits", "needs 9,400 images")]
)
def test_data_that_do_not_fit_are_refused(source: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        images(Conditions(data=source), train=9000)


def test_training_sees_every_image_once_an_epoch_and_lowers_the_loss() -> None:
    data = images(TWO, train=128, held=50)
    seen: list[torch.Tensor] = []
    model = dense([64, 32, 10], seeds=2)

    def note(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(inputs)
        return inputs

    losses = train(
        model, data, optimizer=torch.optim.Adam(model.parameters(), lr=1e-2), steps=40, batch=32, change=note
    )
    for seed in range(2):
        epochs = [torch.cat([batch[seed] for batch in seen[at : at + 4]]).flatten(1).tolist() for at in (0, 4)]
        assert all(len({tuple(row) for row in epoch}) == 128 for epoch in epochs)
        assert epochs[0] != epochs[1]
        assert len(losses[seed]) == 40 and losses[seed][-1] < losses[seed][0] / 2


@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), torch.optim.Adam], ids=["SGD", "Adam"]
)
def test_a_network_trained_beside_others_is_the_network_trained_alone(make) -> None:
    data = images(Conditions(seeds=3), train=100, held=50)
    model = dense([64, 20, 10], seeds=3, start="he_normal")
    alone = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))
    with torch.no_grad():
        for layer, weight in zip((alone[1], alone[3]), hidden_weights(model), strict=True):
            layer.weight.copy_(weight[1])
            layer.bias.zero_()
    batches: list[torch.Tensor] = []

    def note(inputs: torch.Tensor) -> torch.Tensor:
        batches.append(inputs[1])
        return inputs

    losses = train(model, data, optimizer=make(model.parameters()), steps=10, batch=25, change=note)[1]
    places = {tuple(row): at for at, row in enumerate(data.inputs[1].flatten(1).tolist())}
    optimizer = make(alone.parameters())
    for batch, expected in zip(batches, losses, strict=True):
        targets = data.targets[1][[places[tuple(row)] for row in batch.flatten(1).tolist()]]
        loss = F.cross_entropy(alone(batch), targets)
        assert loss.item() == pytest.approx(expected, rel=1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.allclose(alone[1].weight, hidden_weights(model)[0][1], atol=1e-5)


def test_stacked_layers_equal_separate_ones() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(4, 3) for _ in range(2)]
    inputs = torch.randn(2, 5, 4)
    outputs = StackedLinear(layers)(inputs)
    assert all(torch.allclose(outputs[k], layers[k](inputs[k]), atol=1e-6) for k in range(2))
    values = torch.randn(2, 5, 8) * 3 + 1
    together = StackedNorm(nn.BatchNorm1d(16))(values)
    assert torch.allclose(together[1], nn.BatchNorm1d(8)(values[1]), atol=1e-5)
    together = StackedNorm(nn.GroupNorm(4, 16))(values)
    assert torch.allclose(together[1], nn.GroupNorm(2, 8)(values[1]), atol=1e-5)


def test_evaluation_leaves_the_mode_alone() -> None:
    model = nn.Sequential(nn.Flatten(2), nn.Dropout(0.9), StackedLinear([nn.Linear(4, 2)]))
    inputs = torch.randn(1, 6, 4)
    targets = torch.tensor([[0, 1] * 3])
    assert evaluate(model, inputs, targets=targets) == evaluate(model, inputs, targets=targets)
    assert model.training
