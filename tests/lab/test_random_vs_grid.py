"""docs/curriculum.md, N1."""

from __future__ import annotations

import numpy as np

from trainwell.lab.random_vs_grid import _trials


def test_grids_and_draws_have_the_same_budget_and_stay_inside() -> None:
    for trials in _trials(np.random.default_rng(0), 3, searches=50):
        assert trials.shape == (50, 9, 2)
        assert trials.min() >= 0 and trials.max() <= 1
