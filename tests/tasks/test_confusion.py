"""Scores from counts are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from trainwell.core.batch import Batch
from trainwell.tasks.confusion import Confusion


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_accuracy_and_f1_are_scikit_learns(pairs) -> None:
    true, predicted = np.array(pairs).T
    tally = Confusion(4)
    tally.add(torch.eye(4)[predicted], Batch({"inputs": torch.zeros(len(true), 1), "targets": torch.from_numpy(true)}))
    assert tally.matrix.tolist() == confusion_matrix(true, predicted, labels=range(4)).tolist()
    assert tally.scores()["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert tally.scores()["f1_macro"] == pytest.approx(f1_score(true, predicted, average="macro", zero_division=0))
