"""docs/curriculum.md, L5."""

from __future__ import annotations

import torch

from trainwell.lab.feature_space import between


def test_the_share_between_classes() -> None:
    features = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    assert between(features, torch.tensor([0, 0, 1, 1])) == 1
    assert between(features, torch.tensor([0, 1, 0, 1])) == 0
