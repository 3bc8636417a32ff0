"""With the same number of trials, random search tries more values of the setting that matters than grid search.

The score depends strongly on one setting and hardly on the other. Nine trials on a 3 x 3 grid try three values of the
first, nine random ones try nine (Bergstra and Bengio 2012). Averaged over 2,000 searches with randomly shifted grids.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainwell.core.figure import Axes, Curve, Figure, Panel, landscape
from trainwell.lab.result import Conditions, Interval, Result, at_least, mean_of, near, result
from trainwell.lab.seeds import mean_curve

Array = NDArray[np.float64]
_SIDES = (1, 2, 3, 4, 6, 8)


def _score(rate: Array, other: Array) -> Array:
    score: Array = np.exp(-(((rate - 0.3) / 0.06) ** 2)) + 0.02 * other
    return score


def _trials(random: np.random.Generator, side: int, *, searches: int) -> tuple[Array, Array]:
    """Return grids and random draws of side**2 trials each, (searches, trials, 2)."""
    shift = random.random((searches, 1, 2)) / side
    corner = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(1, -1, 2) / side
    return corner + shift, random.random((searches, side * side, 2))


def _best(random: np.random.Generator) -> dict[str, list[list[float]]]:
    """Return the best score of every search, by method and then by number of trials."""
    found: dict[str, list[list[float]]] = {"grid": [], "random": []}
    for side in _SIDES:
        for name, trials in zip(found, _trials(random, side, searches=2000), strict=True):
            found[name].append(_score(trials[..., 0], trials[..., 1]).max(1).tolist())
    return found


def _figure(best: dict[str, list[list[float]]], grid: Array, *, drawn: Array) -> Figure:
    """Draw one grid and one random search, and the mean best score of all."""
    field = landscape(_score, (0, 1), y=(0, 1), count=8)
    spans = ((0.0, 1.0), (0.0, 1.0))
    names = ("setting that matters", "setting that does not")
    budgets = [side * side for side in _SIDES]
    curves = tuple(
        mean_curve(name, list(zip(*best[name], strict=True)), xs=budgets, colour=colour)
        for name, colour in (("grid", 1), ("random", 0))
    )
    points = {name: tuple((float(x), float(y)) for x, y in one) for name, one in (("grid", grid), ("random", drawn))}
    return Figure(
        "Only one setting matters. The nine trials of the grid try three values of it, the random ones nine.",
        (
            Panel(
                "Grid: 9 trials, 3 values",
                *names,
                (Curve("", points["grid"], "dots", 1),),
                field=field,
                axes=Axes(spans=spans),
            ),
            Panel(
                "Random: 9 trials, 9 values",
                *names,
                (Curve("", points["random"], "dots", 0),),
                field=field,
                axes=Axes(spans=spans),
            ),
            Panel("Best score, mean of 2,000 searches", "trials", "score", curves, axes=Axes(logs=(True, False))),
        ),
    )


def run(conditions: Conditions) -> Result:
    """Search many times with both."""
    best = _best(np.random.default_rng(0))
    grid, drawn = (trials[0] for trials in _trials(np.random.default_rng(3), 3, searches=1))

    def gain(trials: int) -> Interval:
        at = [side * side for side in _SIDES].index(trials)
        return mean_of([a - b for a, b in zip(best["random"][at], best["grid"][at], strict=True)])

    return result(
        {
            "values of the first setting, grid": (len(np.unique(grid[:, 0].round(9))), near(3)),
            "values of the first setting, random": (len(np.unique(drawn[:, 0])), near(9)),
            "gain of random search with 9 trials": (gain(9), at_least(0.1)),
            "gain of random search with 16 trials": (gain(16), at_least(0.1)),
        },
        _figure(best, grid, drawn=drawn),
    )
