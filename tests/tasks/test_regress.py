"""Squared error, with scores in the targets' own unit (docs/curriculum.md, A6)."""

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


@pytest.mark.parametrize("shape", [(50,), (50, 2)])
def test_targets_are_standardised_by_the_training_split_and_come_back(shape: tuple[int, ...]) -> None:
    targets = np.random.default_rng(0).normal(300, 40, shape).astype(np.float32)
    task = Regress.build(None, Regress.fit_targets(targets[:40], ()))
    standardised = task.prepare_targets(targets)
    assert standardised.dtype == np.float32 and standardised.shape == shape
    np.testing.assert_allclose(standardised[:40].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardised[:40].std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(task.restore_targets(standardised), targets, rtol=1e-5)
    assert task.outputs == (1 if len(shape) == 1 else 2)


def test_a_constant_target_divides_nothing_and_small_differences_are_not_rounding() -> None:
    def standardised(targets: np.ndarray) -> np.ndarray:
        return Regress.build(None, Regress.fit_targets(targets, ())).prepare_targets(targets)

    assert standardised(np.full(3, 7, np.float32)).tolist() == [0, 0, 0]
    expected = (np.arange(160) - 79.5) / np.std(np.arange(160))
    np.testing.assert_allclose(standardised(1.7e9 + np.arange(160.0)), expected, rtol=1e-5)


def test_words_are_in_the_targets_own_unit() -> None:
    task = Regress(mean=(100.0, 0.0), deviation=(10.0, 1.0))
    assert task.words(task.restore_targets(np.array([[1.5, 0.123456]]))[0]) == "115, 0.1235"
    assert task.value(np.float64(2.5)) == 2.5
