"""docs/curriculum.md, B4."""

from __future__ import annotations

import torch

from trainwell.lab.whitening import _whitening


def test_deviations_lie_along_the_axes_longest_first() -> None:
    torch.manual_seed(0)
    rows = torch.randn(500, 3, dtype=torch.float64) * torch.tensor([1.0, 5.0, 2.0]) + 7
    mean, axes, deviations = _whitening(rows)
    projected = (rows - mean) @ axes
    assert torch.allclose(projected.std(0), deviations)
    assert deviations.diff().max() < 0


def test_held_out_images_are_only_nearly_white(done) -> None:
    numbers = done("whitening").numbers
    assert numbers["the same on held-out images"] > numbers["covariance after, distance from identity"]
