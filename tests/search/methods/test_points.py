"""Points of the unit cube."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.search.methods.points import random_points, sobol_points


@pytest.mark.parametrize("points", [random_points, sobol_points])
def test_points_fill_the_cube_evenly_and_depend_on_the_seed(points) -> None:
    drawn = np.array(points(range(64), dimensions=3, seed=0))
    assert drawn.shape == (64, 3) and drawn.min() >= 0 and drawn.max() <= 1
    assert (np.abs((drawn < 0.5).mean(axis=0) - 0.5) < 0.25).all()
    assert points(range(4), dimensions=3, seed=0) == drawn[:4].tolist()
    assert points(range(4), dimensions=3, seed=1) != drawn[:4].tolist()


def test_sobol_points_are_more_even_than_random_ones() -> None:
    counts = [
        np.histogram(np.array(points(range(64), dimensions=1, seed=0)), bins=16, range=(0, 1))[0].std()
        for points in (sobol_points, random_points)
    ]
    assert counts[0] == 0 and counts[1] > 1
