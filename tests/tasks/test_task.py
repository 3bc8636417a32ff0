"""What every task promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks import TASKS, TargetFacts

TARGETS = {
    "classify": torch.tensor([0, 1, 2, 1]),
    "binary": torch.tensor([0, 1, 1, 0]),
    "regress": torch.tensor([0.5, -1.0, 2.0, 0.0]),
    "multilabel": torch.tensor([[0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 1]]),
}
TARGETS |= {"one_vs_rest": TARGETS["classify"], "one_vs_one": TARGETS["classify"]}
OUTPUTS = {"one_vs_rest": 3, "one_vs_one": 3, "classify": 3, "binary": 1, "regress": 1, "multilabel": 3}


@pytest.fixture(params=list(TASKS))
def case(request):
    name = request.param
    task = TASKS[name](TaskRecipe(), TargetFacts(outputs=OUTPUTS[name]))
    return task, torch.randn(4, OUTPUTS[name]), Batch({"inputs": torch.zeros(4, 2), "targets": TARGETS[name]})


def test_the_loss_is_the_mean_of_the_examples_losses(case) -> None:
    task, outputs, batch = case
    assert task.example_loss(outputs, batch).shape == (4,)
    assert task.loss(outputs, batch).item() == pytest.approx(task.example_loss(outputs, batch).mean().item(), rel=1e-5)


def test_the_main_score_is_among_the_scores_and_perfect_is_one(case) -> None:
    task, _, batch = case
    targets = batch.targets
    ballots = torch.tensor([[1.0, 1, 0], [-1, 0, 1], [0, -1, -1]])  # of the pairs (0, 1), (0, 2), (1, 2)
    single = task.name in ("classify", "one_vs_rest", "one_vs_one")
    perfect = {"classify": torch.eye(3)[targets] if single else None,
               "one_vs_rest": torch.eye(3)[targets] if single else None,
               "one_vs_one": ballots[targets] if single else None,
               "binary": (targets * 2.0 - 1)[:, None], "regress": targets[:, None],
               "multilabel": targets * 2.0 - 1}[task.name]  # fmt: skip
    tally = task.tally()
    tally.add(perfect, batch)
    assert tally.scores()[task.main_score] == pytest.approx(1.0)


def test_chance_is_the_loss_of_the_best_constant(case) -> None:
    task, _, batch = case
    chance = task.chance_loss(batch.targets.numpy())
    for _ in range(50):
        constant = torch.randn(1, OUTPUTS[task.name]).expand(4, -1)
        assert task.loss(constant, batch).item() >= chance - 1e-6


def test_predictions_have_one_row_per_example(case) -> None:
    task, outputs, _ = case
    assert len(task.predict(outputs).values) == 4
    assert isinstance(task.predict(outputs).values, np.ndarray)


def test_a_masked_batch_hands_its_mask_to_the_network(case) -> None:
    task, _, batch = case
    seen = []

    class Net(nn.Module):
        def forward(self, x, mask=None):
            seen.append(mask)
            return x

    task.forward(Net(), batch)
    task.forward(Net(), batch.replace(mask=torch.ones(4, 2, dtype=torch.bool)))
    assert seen[0] is None and seen[1].shape == (4, 2)
