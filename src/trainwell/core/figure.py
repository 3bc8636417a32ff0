"""Figures as values: whoever measures makes them, `report/figures/panels.py` draws them. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

Point = tuple[float, float]
LOG_X = (True, False)
LOG_Y = (False, True)
LOG_BOTH = (True, True)


class Curve(NamedTuple):
    """A named set of points in one panel.

    Args:
        name: label, written beside the curve in its colour; empty for none.
        points: (x, y) pairs.
        kind: "line"; "path" for a trajectory over a landscape, its end marked; "dots"; "bars"; "area" for a histogram.
        colour: number of a colour, the same for the same thing in all panels; -1 is grey.
        errors: half the width of the interval around each y, drawn as a band or as whiskers; empty if not known.
    """

    name: str
    points: tuple[Point, ...]
    kind: str = "line"
    colour: int = 0
    errors: tuple[float, ...] = ()


class Level(NamedTuple):
    """A reference value, drawn as a line across the panel with its name."""

    value: float
    name: str
    vertical: bool = False


class Field(NamedTuple):
    """A landscape: values on a regular grid, rows from the bottom up.

    Args:
        values: rows of numbers.
        contours: values of the contour lines; empty colours every cell instead, white at 0.
    """

    values: tuple[tuple[float, ...], ...]
    contours: tuple[float, ...] = ()


class Axes(NamedTuple):
    """The axes of a panel.

    Args:
        spans: limits of x and of y; None to fit the points.
        logs: True for a logarithmic axis, x and y.
        categories: names under bars whose x are 0, 1, 2, ...
        square: True for an equal scale of both axes, as in an image.
    """

    spans: tuple[Point | None, Point | None] = (None, None)
    logs: tuple[bool, bool] = (False, False)
    categories: tuple[str, ...] = ()
    square: bool = False


class Panel(NamedTuple):
    """A coordinate system with its curves.

    Args:
        title: the finding in a few words.
        x: label of the horizontal axis.
        y: label of the vertical axis.
        series: the curves.
        levels: reference values.
        field: a landscape behind the curves.
        axes: their limits, scales and categories.
    """

    title: str
    x: str
    y: str
    series: tuple[Curve, ...] = ()
    levels: tuple[Level, ...] = ()
    field: Field | None = None
    axes: Axes = Axes()


class Figure(NamedTuple):
    """Panels with a caption of one or two sentences that says what to see."""

    caption: str
    panels: tuple[Panel, ...]


def curve(
    name: str, values: Iterable[Any], *, xs: Iterable[Any] | None = None, kind: str = "line", colour: int = 0
) -> Curve:
    """Make a curve of values over 0, 1, 2, ... or over `xs`.

    >>> curve("loss", [3, 1]).points
    ((0.0, 3.0), (1.0, 1.0))
    """
    ys = [float(value) for value in values]
    across = range(len(ys)) if xs is None else xs
    return Curve(name, tuple((float(x), y) for x, y in zip(across, ys, strict=True)), kind, colour)


def curves(named: dict[str, Any], *, xs: Iterable[Any] | None = None, kind: str = "line") -> tuple[Curve, ...]:
    """Make one curve of each entry, each in its own colour."""
    xs = None if xs is None else list(xs)
    return tuple(
        curve(name, values, xs=xs, kind=kind, colour=number) for number, (name, values) in enumerate(named.items())
    )


def histogram(name: str, values: Any, *, span: Point, bins: int = 40, colour: int = 0) -> Curve:
    """Make the outline of a histogram, in fractions of all values.

    >>> histogram("", [0.1, 0.2, 0.9], span=(0, 1), bins=2).points
    ((0.25, 0.6666666666666666), (0.75, 0.3333333333333333))
    """
    given = np.asarray(values, dtype=float).ravel()
    counts, edges = np.histogram(given, bins=bins, range=span)
    return curve(name, counts / max(1, given.size), xs=(edges[1:] + edges[:-1]) / 2, kind="area", colour=colour)


def landscape(function: Callable[[Any, Any], Any], x: Point, *, y: Point, count: int = 12, size: int = 61) -> Field:
    """Evaluate a function of two numpy arrays on a grid; between contours lie equal fractions of the area.

    >>> landscape(lambda x, y: x + y, (0, 1), y=(0, 1), count=1, size=3)
    Field(values=((0.0, 0.5, 1.0), (0.5, 1.0, 1.5), (1.0, 1.5, 2.0)), contours=(1.0,))
    """
    across, up = np.meshgrid(np.linspace(*x, size), np.linspace(*y, size))
    values = np.asarray(function(across, up), dtype=float)
    shares = np.arange(1, count + 1) / (count + 1)
    return Field(tuple(map(tuple, values.tolist())), tuple(float(v) for v in np.quantile(values, shares)))
