"""Points of the unit cube, each a function of the seed and its number alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwell.core.seeds import derive


def random_points(numbers: range, *, dimensions: int, seed: int) -> list[list[float]]:
    """Return independent, uniformly distributed points.

    >>> random_points(range(1, 3), dimensions=1, seed=0)[0] == random_points(range(2), dimensions=1, seed=0)[1]
    True
    """
    generators = (np.random.default_rng(derive(seed, "search", epoch=0, step=number)) for number in numbers)
    return [generator.random(dimensions).tolist() for generator in generators]


def sobol_points(numbers: range, *, dimensions: int, seed: int) -> list[list[float]]:
    """Return points of a scrambled Sobol sequence (Owen 1998), which cover the cube more evenly than random ones.

    >>> sobol_points(range(1, 3), dimensions=1, seed=0)[0] == sobol_points(range(2), dimensions=1, seed=0)[1]
    True
    """
    from torch import quasirandom

    engine_class: Any = quasirandom.SobolEngine  # torch leaves its methods without types
    engine = engine_class(dimensions, scramble=True, seed=derive(seed, "search"))
    points: list[list[float]] = engine.fast_forward(numbers.start).draw(len(numbers)).tolist()
    return points
