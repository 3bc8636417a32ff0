"""Questions that are answered with yes or no."""

from __future__ import annotations

import math

import pytest
import torch

from trainwell.tasks.probabilities import binary_entropy, mean_logit


def test_entropy_is_largest_in_the_middle_and_zero_at_the_ends() -> None:
    assert binary_entropy(0.5) == pytest.approx(math.log(2))
    assert binary_entropy(0.0) == binary_entropy(1.0) == 0.0
    assert binary_entropy(0.2) == binary_entropy(0.8) < binary_entropy(0.4)


def test_probabilities_are_averaged_and_not_logits() -> None:
    mean = mean_logit([torch.tensor([0.9]), torch.tensor([0.3])])
    assert torch.sigmoid(mean).item() == pytest.approx(0.6, abs=1e-6)
