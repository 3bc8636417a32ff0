from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.explain import Mistake, worst_mistakes
from trainwell.tasks import Classify, Regress


class InOrder:
    """Batches of three, in order."""

    def __init__(self, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        self.whole = Batch({"inputs": inputs, "targets": targets})

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        for place in range(3 * start, len(self.whole), 3):
            yield self.whole.slice(place, place + 3)

    def __len__(self) -> int:
        return -(-len(self.whole) // 3)


@pytest.mark.parametrize("count", [1, 4, 50])
def test_worst_come_first_whatever_the_batches(count: int) -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(20, 5), torch.randint(0, 4, (20,))
    model = nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.9))
    found = worst_mistakes(model, Classify(classes=4), batches=InOrder(inputs, targets), count=count)
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
        losses = F.cross_entropy(outputs, targets, reduction="none")
    expected = losses.argsort(descending=True)[:count]
    assert [mistake.position for mistake in found] == expected.tolist()
    assert [mistake.loss for mistake in found] == pytest.approx(losses[expected].tolist())
    probabilities = outputs[expected[0]].double().softmax(0)
    assert found[0].predicted == probabilities.argmax() and found[0].confidence == pytest.approx(probabilities.max())


def test_modes_are_restored_and_no_gradient_is_kept() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.Dropout(0.9))
    model[1].eval()
    worst_mistakes(model, Classify(classes=4), batches=InOrder(torch.zeros(2, 5), torch.tensor([0, 1])))
    assert [module.training for module in model.modules()] == [True, True, False]
    assert model[0].weight.grad is None


def test_a_loss_that_is_no_number_is_the_worst() -> None:
    inputs = torch.tensor([[1.0], [math.nan], [9.0]])
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    found = worst_mistakes(model, Regress(), batches=InOrder(inputs, torch.zeros(3, 1)))
    assert [mistake.position for mistake in found] == [1, 2, 0]
    assert found[1] == Mistake(2, 81.0, 9.0, None)
