"""Logistic regression's laws (docs/curriculum.md, A1)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import Binary


def test_the_gradient_of_the_weights_is_x_times_a_minus_y() -> None:
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 1, 0])
    w = torch.randn(3, 1, dtype=torch.float64, requires_grad=True)
    Binary().loss(x @ w, Batch({"inputs": x, "targets": y})).backward()
    a = torch.sigmoid(x @ w).squeeze(1)
    assert torch.allclose(w.grad.squeeze(1), (x * (a - y)[:, None]).mean(0), atol=1e-12)


def test_scores_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    logits, targets = np.round(rng.normal(size=200), 1), rng.integers(0, 2, 200)  # rounded: ties occur
    tally = Binary().tally()
    for part in np.array_split(np.arange(200), 7):
        batch = Batch({"inputs": torch.zeros(len(part), 1), "targets": torch.from_numpy(targets[part])})
        tally.add(torch.from_numpy(logits[part])[:, None], batch)
    scores = tally.scores()
    assert scores["accuracy"] == pytest.approx(accuracy_score(targets, logits > 0))
    assert scores["f1_macro"] == pytest.approx(f1_score(targets, logits > 0, average="macro"))
    assert scores["roc_auc"] == pytest.approx(roc_auc_score(targets, logits))
    assert [row["support"] for row in tally.per_class()] == np.bincount(targets).tolist()


def test_one_class_has_no_area_under_the_curve() -> None:
    tally = Binary().tally()
    tally.add(torch.zeros(2, 1), Batch({"inputs": torch.zeros(2, 1), "targets": torch.tensor([1, 1])}))
    assert "roc_auc" not in tally.scores()


def test_predictions_and_chance() -> None:
    predicted = Binary().predict(torch.tensor([[2.0], [-1.0]]))
    assert predicted.values.tolist() == [1, 0]
    assert predicted.confidence.tolist() == pytest.approx([0.880797, 0.731059], abs=1e-5)
    assert Binary().chance_loss(np.array([0, 1])) == pytest.approx(np.log(2))
    assert Binary().chance_loss(np.array([1, 1])) == 0


def test_two_outputs_are_refused() -> None:
    with pytest.raises(ShapeError, match="one number per example"):
        Binary().loss(torch.zeros(2, 2), Batch({"inputs": torch.zeros(2, 1), "targets": torch.tensor([0, 1])}))
