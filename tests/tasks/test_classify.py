"""Softmax and cross-entropy (docs/curriculum.md, A3)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import Classify
from trainwell.tasks.classify import stacked_cross_entropy


def batch(targets, **more) -> Batch:
    targets = torch.as_tensor(targets)
    return Batch({"inputs": torch.zeros(len(targets), 1), "targets": targets, **more})


def test_the_gradient_is_softmax_minus_one_hot() -> None:
    logits = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0, 1, 2, 3, 0])
    Classify(classes=4).loss(logits, batch(targets)).backward()
    expected = (torch.softmax(logits, 1) - torch.nn.functional.one_hot(targets, 4)) / 5
    assert torch.allclose(logits.grad, expected, atol=1e-12)


def test_huge_logits_are_safe() -> None:
    loss = Classify(classes=2).loss(torch.tensor([[1e4, -1e4]]), batch([1]))
    assert loss.item() == pytest.approx(2e4)


def test_chance_is_ln_c_for_balanced_classes_and_the_entropy_otherwise() -> None:
    task = Classify(classes=10)
    assert task.chance_loss(np.arange(100) % 10) == pytest.approx(math.log(10))
    assert task.chance_loss(np.array([0] * 90 + [1] * 10)) == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))


def test_weights_weigh() -> None:
    task, logits = Classify(classes=2), torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    losses = task.example_loss(logits, batch([0, 0]))
    weighted = task.loss(logits, batch([0, 0], weights=torch.tensor([3.0, 1.0])))
    assert weighted.item() == pytest.approx((3 * losses[0] + losses[1]).item() / 4)


def test_label_smoothing_spreads_the_label() -> None:
    logits = torch.randn(3, 4)
    smooth = Classify(classes=4, label_smoothing=0.2).loss(logits, batch([0, 1, 2]))
    log = torch.log_softmax(logits, 1)
    truth = 0.8 * torch.eye(4)[:3] + 0.05
    assert smooth.item() == pytest.approx(-(truth * log).sum(1).mean().item(), rel=1e-5)


def test_predictions_are_probabilities() -> None:
    predicted = Classify(classes=3).predict(torch.tensor([[0.0, 2.0, 1.0]]))
    assert predicted.values.tolist() == [1]
    assert predicted.probabilities.sum() == pytest.approx(1)
    assert predicted.confidence[0] == predicted.probabilities[0, 1]


def test_a_wrong_head_is_one_sentence() -> None:
    with pytest.raises(ShapeError, match=r"\(1, 3\) numbers, got \(1, 2\). Give its last layer 3 outputs"):
        Classify(classes=3).loss(torch.zeros(1, 2), batch([0]))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shared", [True, False])
def test_cross_entropy_of_many_is_that_of_each(smoothing: float, shared: bool) -> None:
    outputs = torch.randn(3, 5, 4) * 30  # large logits: nothing may overflow
    targets = torch.randint(0, 4, (5,) if shared else (3, 5))
    found = stacked_cross_entropy(outputs, targets, smoothing=torch.full((3,), smoothing))
    for row in range(3):
        own = targets if shared else targets[row]
        torch.testing.assert_close(found[row], F.cross_entropy(outputs[row], own, label_smoothing=smoothing))
