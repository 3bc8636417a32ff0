"""docs/curriculum.md, E3, E6: the determinant is 4, not 11."""

from __future__ import annotations

import torch

from trainwell.lab.second_order import _worked
from trainwell.optim.second_order import slope_and_curvature


def test_the_worked_example() -> None:
    gradient, hessian = slope_and_curvature(_worked, -torch.ones(3, dtype=torch.float64))
    assert gradient.abs().max() == 0
    assert hessian.tolist() == [[2, -1, 0], [-1, 2, -1], [0, -1, 2]]


def test_newton_stays_at_the_saddle(done) -> None:
    paths = {series.name: series.points for series in done("second_order").figure.panels[0].series}
    assert abs(paths["Newton"][-1][1]) < 1e-6 < paths["saddle-free"][-1][1]
