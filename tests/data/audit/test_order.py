"""Order and number of examples [B10]."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.data.audit.columns import numbers
from trainwell.data.audit.order import order_findings
from trainwell.data.sources import from_arrays
from trainwell.data.splits import Splits

RANDOM = np.random.default_rng(0)


def rules(inputs: np.ndarray, targets: np.ndarray) -> list[str]:
    examples = from_arrays(inputs, targets)
    splits = Splits(np.arange(len(targets)), np.arange(0), np.arange(0))
    return [finding.rule for finding in order_findings(examples, splits, columns=numbers(examples))]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (np.repeat([0, 1], 150), ["sorted_by_label"]),
        (np.arange(300) % 2, []),
        (RANDOM.permutation(np.r_[np.zeros(292, int), np.ones(8, int)]), ["too_few_examples"]),
    ],
)
def test_labels_in_order_and_rare_labels(targets, expected) -> None:
    assert rules(RANDOM.normal(size=(300, 2)), targets) == expected


def test_a_drift_along_the_file() -> None:
    inputs = RANDOM.normal(size=(600, 2))
    inputs[:, 1] += np.linspace(0, 4, 600)
    assert rules(inputs, RANDOM.integers(0, 2, 600)) == ["order_matters"]
