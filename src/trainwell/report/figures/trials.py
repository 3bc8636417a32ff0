"""Figures of the range test and of the learning curve."""

from __future__ import annotations

import math

import numpy as np

from trainwell.core.figure import LOG_BOTH, Axes, Curve, Figure, Level, Panel, curve
from trainwell.doctor.experiments.learning_curve import LearningCurve, extrapolate
from trainwell.doctor.experiments.range_test import RateRange

_ABOVE = 1.6  # upper end of the axis, over the loss at the start


def rate_figure(found: RateRange) -> Figure:
    """Show the loss over the rising learning rate, with the suggested one and the safe range.

    Args:
        found: what a range test found.

    >>> found = RateRange((0.1, 1.0), (2.0, math.inf), 0.1, None, None, None, "")
    >>> len(rate_figure(found).panels)
    1
    """
    top = _ABOVE * max(found.losses[0], 1e-12) if math.isfinite(found.losses[0]) else 1.0
    shown = [(rate, loss) for rate, loss in zip(found.rates, found.losses, strict=True) if loss <= top]
    series = [Curve("", tuple(shown), "line", 0)]
    levels: list[Level] = []
    if found.suggested is not None and found.low is not None and found.high is not None:
        levels = [Level(found.low, "", True), Level(found.high, "", True)]
        near = [(rate, loss) for rate, loss in shown if found.low <= rate <= found.high]
        series.append(Curve("safe", tuple(near), "line", 2))
        at = float(np.interp(math.log(found.suggested), np.log(found.rates), np.minimum(found.losses, 1e30)))
        series.append(Curve(f"suggested: {found.suggested:.2g}", ((found.suggested, at),), "dots", 1))
    panel = Panel(
        found.verdict,
        "learning rate",
        "training loss",
        tuple(series),
        levels=tuple(levels),
        axes=Axes(spans=((min(found.rates), max(found.rates)), (0.0, top)), logs=(True, False)),
    )
    return Figure("The learning rate rises with every step. " + found.reason, (panel,))


def learning_figure(found: LearningCurve) -> Figure:
    """Show the error of every training over its number of examples, and the power law extrapolated to more.

    Args:
        found: what was measured.

    >>> from trainwell.doctor.experiments.learning_curve import read_curve
    >>> curve = read_curve([20, 40, 80], [0.4, 0.3, 0.2], score_name="accuracy", chance=0.9)
    >>> [series.name for series in learning_figure(curve).panels[0].series][-1]
    'measured'
    """
    largest = max(found.sizes)
    series: list[Curve] = []
    if found.power is not None:
        across = np.geomspace(min(found.sizes), 4 * largest, 30)
        points = [extrapolate(found.sizes, found.errors, size=float(size)) for size in across]
        series = [
            curve("power law", [point.error for point in points], xs=across, colour=1),
            curve("95 %", [point.high for point in points], xs=across, colour=-1),
            curve("", [point.low for point in points], xs=across, colour=-1),
        ]
    series.append(curve("measured", found.errors, xs=found.sizes, kind="dots", colour=0))
    panel = Panel(
        "More data would help" if found.helps else "No evidence that more data would help",
        "training examples",
        "validation error",
        tuple(series),
        levels=(Level(float(largest), "all training examples", True),),
        axes=Axes(spans=((min(found.sizes) / 1.3, 4.5 * largest), None), logs=LOG_BOTH),
    )
    return Figure(found.verdict, (panel,))
