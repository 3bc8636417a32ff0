"""Baselines are scikit-learn's, scored as the network is."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge

from trainwell.tasks import Binary, Classify, Multilabel, Regress


def test_classification() -> None:
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    rows = dict(Classify(classes=10).baselines((x[:1000], y[:1000]), (x[1000:], y[1000:])))
    expected = LogisticRegression(max_iter=200).fit(x[:1000], y[:1000]).score(x[1000:], y[1000:])
    assert rows["logistic regression"]["accuracy"] == pytest.approx(expected, abs=0.005)
    most = np.bincount(y[:1000]).argmax()
    assert rows["most frequent class"]["accuracy"] == pytest.approx((y[1000:] == most).mean())


def test_regression() -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = x.astype(np.float32), ((y - y.mean()) / y.std()).astype(np.float32)
    rows = dict(Regress().baselines((x[:300], y[:300]), (x[300:], y[300:])))
    assert rows["linear regression"]["r2"] == pytest.approx(
        Ridge().fit(x[:300], y[:300]).score(x[300:], y[300:]), abs=1e-4
    )
    assert rows["mean"]["r2"] == pytest.approx(0, abs=0.05)


def test_two_classes_labels_and_a_class_missing_from_training() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    rows = dict(Binary().baselines((x, y), (x, y)))
    assert rows["logistic regression"]["accuracy"] > 0.95
    assert 0.4 < rows["most frequent answer"]["accuracy"] < 0.65
    several = dict(Multilabel(count=2).baselines((x, np.stack([y, 1 - y], 1)), (x, np.stack([y, 1 - y], 1))))
    assert list(several) == ["most frequent answer"]
    three = dict(Classify(classes=3).baselines((x, y), (x, y)))
    assert three["logistic regression"]["accuracy"] > 0.95


def test_many_examples_are_thinned_out_and_it_says_so() -> None:
    x = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    assert "logistic regression, fitted on 2,000 examples" in dict(Binary().baselines((x, y), (x, y)))


@pytest.mark.parametrize(("task", "y"), [(Binary(), np.array([0, 1, 1])), (Regress(), np.float32([0, 1, 3]))])
def test_a_single_test_example(task, y) -> None:
    x = np.arange(3, dtype=np.float32)[:, None]
    assert len(task.baselines((x, y), (x[:1], y[:1]))) == 2
