"""With the same number of trials, random search tries more values of the setting that matters.

The score depends on one setting strongly and on another hardly at all. Nine trials on a 3 x 3 grid see three values of
the first, nine random ones see nine (Bergstra and Bengio 2012). Averaged over 2,000 searches, grids shifted at random.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainwell.core.figure import Figure, Panel, Series, curve, landscape
from trainwell.lab.result import Conditions, Result, at_least, near, result

Array = NDArray[np.float64]


def _score(rate: Array, other: Array) -> Array:
    score: Array = np.exp(-(((rate - 0.3) / 0.06) ** 2)) + 0.02 * other
    return score


def _trials(random: np.random.Generator, side: int, searches: int) -> tuple[Array, Array]:
    """Return grids and random draws of side**2 trials each, (searches, trials, 2)."""
    shift = random.random((searches, 1, 2)) / side
    corner = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(1, -1, 2) / side
    return corner + shift, random.random((searches, side * side, 2))


def run(conditions: Conditions) -> Result:
    """Search many times with both."""
    random, sides = np.random.default_rng(0), (1, 2, 3, 4, 6, 8)
    best: dict[str, list[float]] = {"grid": [], "random": []}
    for side in sides:
        for name, trials in zip(best, _trials(random, side, 2000), strict=True):
            best[name].append(float(_score(trials[..., 0], trials[..., 1]).max(1).mean()))
    grid, drawn = (trials[0] for trials in _trials(np.random.default_rng(3), 3, 1))
    field, spans = landscape(_score, (0, 1), (0, 1), count=8), ((0.0, 1.0), (0.0, 1.0))
    names = ("setting that matters", "setting that does not")
    budgets = [side * side for side in sides]
    figure = Figure(
        "Only one setting matters. The grid's nine trials see three values of it, the random ones nine.",
        (
            Panel(
                "Grid: 9 trials, 3 values",
                *names,
                (Series("", tuple(map(tuple, grid.tolist())), "dots", 1),),
                field=field,
                spans=spans,
            ),
            Panel(
                "Random: 9 trials, 9 values",
                *names,
                (Series("", tuple(map(tuple, drawn.tolist())), "dots", 0),),
                field=field,
                spans=spans,
            ),
            Panel(
                "Best score, mean of 2,000 searches",
                "trials",
                "score",
                (
                    curve("grid", best["grid"], xs=budgets, colour=1),
                    curve("random", best["random"], xs=budgets, colour=0),
                ),
                logs=(True, False),
            ),
        ),
    )
    return result(
        {
            "values of the first setting, grid": (len(np.unique(grid[:, 0].round(9))), near(3)),
            "values of the first setting, random": (len(np.unique(drawn[:, 0])), near(9)),
            "gain of random with 9 trials": (best["random"][2] - best["grid"][2], at_least(0.1)),
            "gain of random with 16 trials": (best["random"][3] - best["grid"][3], at_least(0.1)),
        },
        figure,
    )
