"""docs/curriculum.md, A2."""

from __future__ import annotations

import torch

from trainwell.lab.universal_approximation import _target, network


def test_the_network_meets_the_target_in_the_middle_of_each_piece() -> None:
    middles = (torch.arange(8) + 0.5) / 8
    assert torch.allclose(network(middles, 8), _target(middles), atol=1e-4)


def test_the_ends_are_covered() -> None:
    ends = torch.tensor([0.0, 1.0])
    assert (network(ends, 64) - _target(ends)).abs().max() < 0.02
