"""One against the rest (docs/curriculum.md, A4)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import OneVsRest


def batch(targets) -> Batch:
    return Batch({"inputs": torch.zeros(len(targets), 1), "targets": torch.as_tensor(targets)})


def test_one_against_the_rest_is_the_mean_of_binary_losses() -> None:
    targets, outputs = torch.tensor([0, 2, 1]), torch.randn(3, 3)
    each = [F.binary_cross_entropy_with_logits(outputs[:, k], (targets == k).float()) for k in range(3)]
    assert OneVsRest(classes=3).loss(outputs, batch(targets)).item() == pytest.approx(sum(each).item() / 3, abs=1e-6)


def test_averaged_outputs_have_the_mean_of_the_probabilities_and_not_of_the_logits() -> None:
    task = OneVsRest(classes=3)
    # One very sure voice against two unsure ones: its logit would outweigh both.
    many = [torch.tensor([[30.0, -9, -9]]), torch.tensor([[-2.0, 1, -9]]), torch.tensor([[-2.0, 1, -9]])]
    mean = np.mean([task.predict(one).probabilities for one in many], axis=0)
    averaged = task.predict(task.average(many))
    np.testing.assert_allclose(averaged.probabilities, mean, atol=1e-6)
    assert averaged.values.tolist() == [1] and sum(many).argmax() == 0


def test_a_wrong_width_is_one_sentence() -> None:
    with pytest.raises(ShapeError, match="Give its last layer 4 outputs"):
        OneVsRest(classes=4).loss(torch.zeros(2, 5), batch([0, 1]))
