"""Draw the figures of `core/figure.py`: panels side by side, with the name of every line in its colour."""

from __future__ import annotations

import math

from trainwell.core.figure import Curve, Field, Figure, Panel, Point
from trainwell.report.figures.markup import Markup, join, tag
from trainwell.report.figures.svg import (
    CHARACTER,
    AxisScale,
    apart,
    axes,
    drawing,
    fit,
    label,
    line,
    px,
    room,
    rule,
    thin,
)
from trainwell.report.text.words import number

_WIDTH = 460.0
_HEIGHT = 320.0
_LEFT = 62.0
_TOP = 62.0
_BOTTOM = 262.0
_RIGHT = 446.0
_EDGE = 14.0
_COLOURS = 8
_MOST_MARGIN = 140.0


def draw_lab(figure: Figure, *, title: str) -> Markup:
    """Draw all panels of a figure, two in a row; `title` is for screen readers."""
    across = min(2, len(figure.panels))
    rows = math.ceil(len(figure.panels) / max(1, across))
    size = (across * _WIDTH + 2 * _EDGE, rows * _HEIGHT + _EDGE)
    parts = []
    for index, panel in enumerate(figure.panels):
        at = f"translate({px(index % across * _WIDTH + _EDGE)} {px(index // across * _HEIGHT + _EDGE)})"
        parts.append(tag("g", _panel(panel), transform=at))
    paper = tag("rect", class_="paper", width="100%", height="100%")
    return drawing([paper, *parts], size=size, title=title, describe=figure.caption)


def _panel(panel: Panel) -> Markup:
    x, y = _scales(panel)
    parts: list[Markup] = [label(fit(panel.title, _WIDTH - 12, size=14), (0, 20), class_="head")]
    if panel.field:
        parts.append(_contours(panel.field, x, y=y) if panel.field.contours else _cells(panel.field, x, y=y))
    panel = panel._replace(
        x=panel.x + " (log scale)" * panel.axes.logs[0], y=panel.y + " (log scale)" * panel.axes.logs[1]
    )
    parts.append(_categories(panel, x, y=y) if panel.axes.categories else axes(x, y, names=(panel.x, panel.y)))
    for level in panel.levels:
        if level.vertical:
            at = x.place(level.value)
            parts.append(rule((at, y.start), (at, y.end), class_="level"))
            parts.append(label(level.name, (at + 5, y.end + 11), class_="end"))
        else:
            at = y.place(level.value)
            parts.append(rule((x.start, at), (x.end, at), class_="level"))
    parts += [_series(series, x, y=y, panel=panel) for series in panel.series]
    parts.append(_names(panel, x, y=y))
    return join(parts)


def _scales(panel: Panel) -> tuple[AxisScale, AxisScale]:
    """Fit the axes to everything that is shown, and the right margin to the longest name."""
    points = [point for series in panel.series for point in series.points]
    filled = any(series.kind in ("bars", "area") for series in panel.series)
    names = [series.name for series in panel.series] + [level.name for level in panel.levels if not level.vertical]
    longest = max((len(name) for name in names), default=0)
    right = _RIGHT - min(_MOST_MARGIN, longest * CHARACTER * 13 + 10 if longest else 0)
    if panel.axes.categories:
        across: Point = (-0.6, len(panel.axes.categories) - 0.4)
    else:
        finite = [across for across, _ in points if math.isfinite(across) and (across > 0 or not panel.axes.logs[0])]
        across = panel.axes.spans[0] or ((min(finite), max(finite)) if finite else (0.0, 1.0))
    heights = [up for _, up in points] + [level.value for level in panel.levels if not level.vertical]
    for low, high in (ends for series in panel.series for ends in _intervals(series)):
        # On a logarithmic axis an interval that nearly reaches 0 would leave no room for anything else.
        heights += [high] if panel.axes.logs[1] else [low, high]
    up = panel.axes.spans[1] or room(heights, log=panel.axes.logs[1], zero=filled)
    if panel.axes.square:
        right = min(right, _LEFT + _BOTTOM - _TOP)
    return AxisScale(*across, _LEFT, right, panel.axes.logs[0]), AxisScale(*up, _BOTTOM, _TOP, panel.axes.logs[1])


def _categories(panel: Panel, x: AxisScale, *, y: AxisScale) -> Markup:
    """Draw the axes of a bar chart: values on the left, categories below."""
    parts: list[Markup] = [label(panel.y, (0, y.end - 14), class_="name")]
    for value in y.ticks(4):
        parts.append(rule((x.start, y.place(value)), (x.end, y.place(value)), class_="grid"))
        parts.append(label(number(value), (x.start - 8, y.place(value) + 4.5), class_="tick", anchor="end"))
    space = (x.end - x.start) / len(panel.axes.categories) - 4
    for index, name in enumerate(panel.axes.categories):
        parts.append(label(fit(name, space), (x.place(index), y.start + 18), class_="tick", anchor="middle"))
    parts.append(rule((x.start, y.start), (x.end, y.start), class_="axis"))
    parts.append(label(panel.x, (x.end, y.start + 35), class_="name", anchor="end"))
    return join(parts)


def _series(series: Curve, x: AxisScale, *, y: AxisScale, panel: Panel) -> Markup:
    colour = f"c{series.colour % _COLOURS}" if series.colour >= 0 else "grey"
    if series.kind == "bars":
        return _bars(series, x, y=y, panel=panel, colour=colour)
    if series.kind == "dots":
        shown = [point for point in series.points if math.isfinite(point[1])]
        circles = [tag("circle", cx=px(x.place(a)), cy=px(y.place(b)), r=3.2, class_=f"dot {colour}") for a, b in shown]
        return join([*circles, _whiskers(series, [x.place(across) for across, _ in series.points], y=y, colour=colour)])
    if series.kind == "area":
        floor = [(series.points[0][0], y.low), *series.points, (series.points[-1][0], y.low)]
        return join(
            [line(floor, x=x, y=y, class_=f"area {colour}"), line(series.points, x=x, y=y, class_=f"line {colour}")]
        )
    if series.kind == "path":
        return _path(series, x, y=y, colour=colour)
    drawn = line(thin(series.points), x=x, y=y, class_=f"line {colour}")
    return join([_band(series, x, y=y, colour=colour), drawn]) if series.errors else drawn


def _intervals(series: Curve) -> list[Point]:
    """Return the ends of the interval around every point of a series that has some."""
    pairs = zip(series.points, series.errors, strict=True) if series.errors else ()
    return [(up - error, up + error) for (_, up), error in pairs]


def _band(series: Curve, x: AxisScale, *, y: AxisScale, colour: str) -> Markup:
    """Fill the interval around a line; what lies outside the panel is cut at its edge."""
    ends = [
        (across, max(low, y.low), min(high, y.high))
        for (across, _), (low, high) in zip(series.points, _intervals(series), strict=True)
        if math.isfinite(low) and math.isfinite(high)
    ]
    upper = thin([(across, high) for across, _, high in ends])
    lower = thin([(across, low) for across, low, _ in ends])
    return line([*upper, *reversed(lower)], x=x, y=y, class_=f"area {colour}")


def _whiskers(series: Curve, places: list[float], *, y: AxisScale, colour: str) -> Markup:
    """Draw the interval around every dot or bar as a vertical line at its place."""
    if not series.errors:
        return join([])
    parts = []
    for place, (low, high) in zip(places, _intervals(series), strict=True):
        if math.isfinite(low) and math.isfinite(high):
            ends = (y.place(max(low, y.low)), y.place(min(high, y.high)))
            parts.append(rule((place, ends[0]), (place, ends[1]), class_=f"whisker {colour}"))
    return join(parts)


def _path(series: Curve, x: AxisScale, *, y: AxisScale, colour: str) -> Markup:
    """Draw a path from an open circle to a filled one, clipped to the panel.

    A marker moves along it three times, step by step, which shows the speed of descent.
    """
    places = [(_beyond(a, x), _beyond(b, y)) for a, b in series.points]
    # The id contains the size of the box, so that equal ids in one page are equal boxes.
    box = f"box-{px(x.end).replace('.', '-')}"
    size = {"x": px(x.start), "y": px(y.end), "width": px(x.end - x.start), "height": px(y.start - y.end)}
    drawn = tag("path", d="M" + "L".join(f"{px(a)} {px(b)}" for a, b in places), class_=f"line {colour}")
    first, last = ({"cx": px(a), "cy": px(b)} for a, b in (places[0], places[-1]))
    moves = [
        tag(
            "animate", attributeName=name, values=";".join(px(place[axis]) for place in places), dur="6s", repeatCount=3
        )
        for axis, name in enumerate(("cx", "cy"))
    ]
    marks = [
        tag("circle", **first, r=3, class_="start"),
        tag("circle", **last, r=4.5, class_=f"dot {colour}"),
        tag("circle", moves, **last, r=4.5, class_=f"dot runner {colour}"),
    ]
    cut = tag("clipPath", tag("rect", **size), id=box)
    return join([cut, tag("g", [drawn, *marks], clip_path=f"url(#{box})")])


def _beyond(value: float, scale: AxisScale) -> float:
    """Return the position of a value, also outside the scale, up to three times its length."""
    share = (value - scale.low) / (scale.high - scale.low)
    return scale.start + (scale.end - scale.start) * min(3.0, max(-3.0, share))


def _bars(series: Curve, x: AxisScale, *, y: AxisScale, panel: Panel, colour: str) -> Markup:
    """Draw bars beside those of the other series, with their values where there is room."""
    rows = [other for other in panel.series if other.kind == "bars"]
    width = (x.place(1) - x.place(0)) * 0.8 / len(rows)
    zero = y.place(y.low if y.log or y.low > 0 else 0)
    parts: list[Markup] = []
    lefts = [x.place(across) + (rows.index(series) - len(rows) / 2) * width for across, _ in series.points]
    for left, (_, up) in zip(lefts, series.points, strict=True):
        if math.isfinite(up):
            top, bottom = sorted((y.place(up), zero))
            parts.append(
                tag(
                    "rect",
                    x=px(left + 1),
                    y=px(top),
                    width=px(width - 2),
                    height=px(bottom - top),
                    class_=f"bar {colour}",
                )
            )
            if width > 34:
                parts.append(
                    label(number(float(f"{up:.3g}")), (left + width / 2, top - 5), class_="value", anchor="middle")
                )
    parts.append(_whiskers(series, [left + width / 2 for left in lefts], y=y, colour=colour))
    return join(parts)


def _names(panel: Panel, x: AxisScale, *, y: AxisScale) -> Markup:
    """Write names on the right: at the ends of lines, else below each other."""
    entries: list[tuple[str, float, str]] = []
    listed = panel.field or any(series.kind != "line" for series in panel.series)
    for series in panel.series:
        finite = [up for _, up in series.points if math.isfinite(up)]
        if series.name and finite:
            colour = f"c{series.colour % _COLOURS}" if series.colour >= 0 else ""
            height = _TOP + 8 + 18 * len(entries) if listed else y.place(finite[-1])
            entries.append((series.name, height, f"end {colour}"))
    for level in panel.levels:
        if level.name and not level.vertical:
            entries.append((level.name, y.place(level.value), "end"))
    heights = apart([height for _, height, _ in entries], gap=16, low=_TOP, high=_BOTTOM)
    parts = [
        label(fit(name, _MOST_MARGIN), (x.end + 8, height + 4.5), class_=style)
        for (name, _, style), height in zip(entries, heights, strict=True)
    ]
    return join(parts)


def _cells(field: Field, x: AxisScale, *, y: AxisScale) -> Markup:
    """Draw every cell in blue above zero and in orange below, with opacity by magnitude."""
    most = max((abs(value) for row in field.values for value in row), default=0.0) or 1.0
    width = (x.end - x.start) / len(field.values[0])
    height = (y.start - y.end) / len(field.values)
    parts = []
    for up, row in enumerate(field.values):
        for across, value in enumerate(row):
            share = round(min(1.0, abs(value) / most), 2)
            if share:
                corner = {"x": px(x.start + across * width), "y": px(y.start - (up + 1) * height)}
                colour = "c0" if value > 0 else "c1"
                parts.append(
                    tag(
                        "rect",
                        **corner,
                        width=f"{width:.2f}",
                        height=f"{height:.2f}",
                        class_=colour,
                        fill_opacity=share,
                    )
                )
    return join(parts)


def _contours(field: Field, x: AxisScale, *, y: AxisScale) -> Markup:
    """Draw contour lines by marching triangles: in each half of a cell a contour is a straight line."""
    rows = len(field.values)
    columns = len(field.values[0])

    def corner(row: int, column: int) -> tuple[float, float, float]:
        across = x.start + (x.end - x.start) * column / (columns - 1)
        return across, y.start + (y.end - y.start) * row / (rows - 1), field.values[row][column]

    drawn = []
    for height in field.contours:
        parts = []
        for row in range(rows - 1):
            for column in range(columns - 1):
                a = corner(row, column)
                b = corner(row + 1, column + 1)
                for c in (corner(row + 1, column), corner(row, column + 1)):
                    cuts = [
                        _cut(p, q, height=height)
                        for p, q in ((a, b), (b, c), (c, a))
                        if (p[2] < height) != (q[2] < height)
                    ]
                    if len(cuts) == 2:
                        parts.append(f"M{px(cuts[0][0])} {px(cuts[0][1])}L{px(cuts[1][0])} {px(cuts[1][1])}")
        drawn.append(tag("path", d="".join(parts), class_="contour"))
    return join(drawn)


def _cut(p: tuple[float, float, float], q: tuple[float, float, float], *, height: float) -> Point:
    share = (height - p[2]) / (q[2] - p[2])
    return p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])
