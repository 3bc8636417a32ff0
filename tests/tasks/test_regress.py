"""Squared error, with scores in the targets' own unit (curriculum A6)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import Regress


def test_scores_are_scikit_learns_in_the_original_unit() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(5, 3, 50), rng.normal(5, 3, 50)
    task = Regress(mean=(5.0,), deviation=(3.0,))
    tally = task.tally()
    for part in np.array_split(np.arange(50), 3):
        targets = torch.from_numpy((true[part] - 5) / 3)
        tally.add(torch.from_numpy((predicted[part] - 5) / 3)[:, None], Batch({"inputs": targets, "targets": targets}))
    scores = tally.scores()
    assert scores["r2"] == pytest.approx(r2_score(true, predicted))
    assert scores["mean_squared_error"] == pytest.approx(mean_squared_error(true, predicted))
    assert scores["mean_absolute_error"] == pytest.approx(mean_absolute_error(true, predicted))


def test_no_silent_broadcast_between_a_column_and_a_row() -> None:
    # (n, 1) - (n,) would broadcast to (n, n): the classic silent fault.
    loss = Regress().loss(
        torch.tensor([[1.0], [2.0]]), Batch({"inputs": torch.zeros(2), "targets": torch.tensor([1.0, 2.0])})
    )
    assert loss.item() == 0


@pytest.mark.parametrize(("predicted", "r2"), [(0.0, 1.0), (100.0, 0.0)])
def test_targets_that_do_not_vary(predicted, r2) -> None:
    tally = Regress().tally()
    tally.add(torch.full((2, 1), predicted), Batch({"inputs": torch.zeros(2), "targets": torch.zeros(2)}))
    assert tally.scores()["r2"] == r2 == r2_score([0, 0], [predicted] * 2)


def test_chance_is_the_variance() -> None:
    targets = np.array([1.0, 2.0, 6.0])
    assert Regress().chance_loss(targets) == pytest.approx(targets.var())


def test_several_numbers() -> None:
    task = Regress(mean=(0.0, 10.0), deviation=(1.0, 2.0))
    assert task.predict(torch.tensor([[1.0, 1.0]])).values.tolist() == [[1.0, 12.0]]
    with pytest.raises(ShapeError, match="2 numbers per example"):
        task.loss(torch.zeros(3, 1), Batch({"inputs": torch.zeros(3), "targets": torch.zeros(3, 2)}))
