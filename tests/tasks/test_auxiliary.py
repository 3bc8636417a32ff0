"""Auxiliary heads count in training and only there (docs/curriculum.md, H2)."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.task import Task
from trainwell.nn.layers import AuxiliaryHeads
from trainwell.tasks import Auxiliary, Classify, with_auxiliary_heads


@pytest.fixture
def network() -> AuxiliaryHeads:
    torch.manual_seed(0)
    side = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    body = nn.Sequential()
    body.add_module("first", nn.Conv2d(1, 4, 3))
    return AuxiliaryHeads(body, nn.ModuleDict({"first": side}), head=nn.Linear(4, 3), dropout=0.0, auxiliary_weight=0.3)


BATCH = Batch({"inputs": torch.randn(5, 1, 6, 6), "targets": torch.tensor([0, 1, 2, 0, 1])})
TASK = Classify(classes=3)


def test_training_follows_the_weighted_sum_and_shows_the_main_heads_loss(network) -> None:
    task, weights = Auxiliary(TASK, weight=0.3), list(network.parameters())
    outputs = task.forward(network, BATCH)
    assert list(outputs) == ["outputs", "auxiliary.first"]
    side = network.auxiliary["first"](network.body(BATCH.inputs))
    main = F.cross_entropy(outputs["outputs"], BATCH.targets)
    expected = torch.autograd.grad(main + 0.3 * F.cross_entropy(side, BATCH.targets), weights, retain_graph=True)
    loss = task.loss(outputs, BATCH)
    assert torch.equal(loss, main), "comparable with chance and with validation"
    found = torch.autograd.grad(loss, weights, retain_graph=True)
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(found, expected, strict=True))
    (again, *_) = torch.autograd.grad(task.loss(outputs, BATCH), weights[:1], retain_graph=True)
    assert torch.equal(again, found[0]), "a function of the outputs and of nothing else"
    assert not network.auxiliary["first"]._forward_hooks


def test_the_losses_of_the_heads_are_parts(network) -> None:
    task = with_auxiliary_heads(TASK, weight=0.3, heads=["first"])
    assert task.part_weights == {"main": 1.0, "auxiliary.first": 0.3}
    outputs = task.forward(network, BATCH)
    parts = task.loss_parts(outputs, BATCH)
    side = network.auxiliary["first"](network.body(BATCH.inputs))
    assert parts["main"].item() == TASK.loss(outputs["outputs"], BATCH).item()
    assert parts["auxiliary.first"].item() == pytest.approx(F.cross_entropy(side, BATCH.targets).item())
    assert {name: part.shape for name, part in task.losses(outputs, BATCH).items()} == dict.fromkeys(parts, (5,))
    assert torch.equal(task.example_loss(outputs, BATCH), TASK.example_loss(outputs["outputs"], BATCH))


def test_it_is_a_task_and_can_be_copied() -> None:
    task = copy.deepcopy(Auxiliary(TASK, weight=0.3))
    assert isinstance(task, Task) and task.has_classes and task.outputs == 3


def test_evaluation_is_the_tasks_own(network) -> None:
    task = Auxiliary(TASK, weight=0.3)
    with torch.no_grad():
        outputs = task.forward(network.eval(), BATCH)
    assert torch.equal(task.loss(outputs, BATCH), TASK.loss(outputs, BATCH))
    assert torch.equal(task.example_loss(outputs, BATCH), TASK.example_loss(outputs, BATCH))
    assert (task.name, task.main_score) == ("classify", "accuracy")
    assert task.chance_loss(BATCH.targets.numpy()) == TASK.chance_loss(BATCH.targets.numpy())
    assert task.predict(outputs).values.tolist() == outputs.argmax(1).tolist()
    tally = task.tally()
    tally.add(outputs, BATCH)
    assert 0 <= tally.scores()["accuracy"] <= 1
