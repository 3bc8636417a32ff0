"""One sigmoid per label, never a softmax (docs/curriculum.md, A5)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, hamming_loss

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import Multilabel


def test_labels_do_not_compete() -> None:
    predicted = Multilabel(count=3).predict(torch.tensor([[5.0, 5.0, -5.0]]))
    assert predicted.values.tolist() == [[1, 1, 0]]
    assert predicted.probabilities.sum() > 1.9


def test_scores_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(60, 4)), rng.integers(0, 2, (60, 4))
    tally = Multilabel(count=4).tally()
    for part in np.array_split(np.arange(60), 3):
        batch = Batch({"inputs": torch.zeros(len(part), 1), "targets": torch.from_numpy(targets[part])})
        tally.add(torch.from_numpy(logits[part]), batch)
    scores = tally.scores()
    assert scores["accuracy"] == pytest.approx(accuracy_score(targets, logits > 0))
    assert scores["f1_macro"] == pytest.approx(f1_score(targets, logits > 0, average="macro"))
    assert scores["hamming_loss"] == pytest.approx(hamming_loss(targets, logits > 0))
    assert [row["support"] for row in tally.per_class()] == targets.sum(0).tolist()


def test_chance_is_the_mean_entropy_of_the_labels() -> None:
    assert Multilabel(count=2).chance_loss(np.array([[0, 1], [1, 1]])) == pytest.approx(np.log(2) / 2)


def test_a_wrong_head_is_one_sentence() -> None:
    with pytest.raises(ShapeError, match="Give its last layer 3 outputs"):
        Multilabel(count=3).loss(torch.zeros(1, 2), Batch({"inputs": torch.zeros(1), "targets": torch.zeros(1, 3)}))
