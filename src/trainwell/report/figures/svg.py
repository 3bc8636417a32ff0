"""SVG: scales, ticks, axes and shapes. Colours come from the style sheet of the page.

Every drawing has a title and a description for screen readers, and a table of its numbers beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trainwell.report.figures.markup import Child, Markup, tag
from trainwell.report.text.words import number, printable

Point = tuple[float, float]
# Mean width of a character of a sans-serif font, relative to its size; used to place labels.
CHARACTER = 0.56
SIZE = 13.0


class AxisScale(NamedTuple):
    """Maps values to positions; `low` lies at `start` and `high` at `end`.

    >>> AxisScale(0, 10, 100, 200).place(5), AxisScale(1, 100, 0, 10, log=True).place(10)
    (150.0, 5.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the position of a value, limited to the scale."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, max(value, self._floor)))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))

    @property
    def _floor(self) -> float:
        return self.low if self.log else -math.inf

    def ticks(self, count: int = 5) -> list[float]:
        """Return about `count` round values within the scale.

        >>> AxisScale(0, 1, 0, 1).ticks(), AxisScale(0.02, 30, 0, 1, log=True).ticks()
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 1.0, 10.0])
        """
        if not self.log:
            return _linear_ticks(self.low, self.high, count=count)
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        if last - first < 1:
            return _linear_ticks(self.low, self.high, count=count)
        every = max(1, math.ceil((last - first + 1) / count))
        return [10.0**power for power in range(first, last + 1, every)]


def _linear_ticks(low: float, high: float, *, count: int) -> list[float]:
    """Choose steps of 1, 2 or 5 times a power of ten (Heckbert, Graphics Gems 1990)."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def room(values: Iterable[float], *, log: bool = False, zero: bool = False) -> tuple[float, float]:
    """Return the ends of a scale that shows all finite values with a margin.

    >>> room([0.0, 1.0, float("nan")], zero=True)
    (0.0, 1.05)
    """
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not finite:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low = min(finite)
    high = max(finite)
    if log:
        return low / 1.25, high * 1.25
    air = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    return (0.0 if zero and low >= 0 else low - air), high + air


def px(value: float) -> str:
    """Write a position with at most one decimal.

    >>> px(12.0), px(3.14159)
    ('12', '3.1')
    """
    return f"{value:.1f}".rstrip("0").rstrip(".")


def thin(points: Sequence[Point], limit: int = 400) -> list[Point]:
    """Keep at most `limit` points: the lowest and highest of each bucket, so that no spike is lost.

    >>> thin([(x, x % 7) for x in range(1000)], limit=10)[:2]
    [(0, 0), (6, 6)]
    """
    if len(points) <= limit:
        return list(points)
    size = math.ceil(len(points) / (limit // 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        broken = [point for point in bucket if not math.isfinite(point[1])]
        ends = broken[:1] or {min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def tick(value: float) -> str:
    """Write the label of a tick; the margin is narrow, so a million and more is written as a power of ten.

    >>> tick(0.2), tick(100_000.0), tick(2_500_000.0)
    ('0.2', '100,000', '2.5e6')
    """
    if abs(value) < 1e6:
        return number(value)
    mantissa, _, power = f"{value:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"


def line(points: Iterable[Point], *, x: AxisScale, y: AxisScale, class_: str) -> Markup:
    """Draw a line through points, with a gap where a value is NaN or infinite."""
    parts = []
    pen = "M"
    for across, up in points:
        if not math.isfinite(up):
            pen = "M"
            continue
        parts.append(f"{pen}{px(x.place(across))} {px(y.place(up))}")
        pen = "L"
    return tag("path", d="".join(parts), class_=class_)


def label(text: str, at: Point, *, class_: str = "", anchor: str = "start", turn: float = 0) -> Markup:
    """Write a text at a position; `anchor` is the part of the text at this position."""
    across = px(at[0])
    up = px(at[1])
    rotate = f"rotate({px(turn)} {across} {up})" if turn else None
    return tag("text", printable(text), x=across, y=up, class_=class_ or None, text_anchor=anchor, transform=rotate)


def rule(start: Point, end: Point, *, class_: str) -> Markup:
    """Draw a straight line."""
    return tag("line", x1=px(start[0]), y1=px(start[1]), x2=px(end[0]), y2=px(end[1]), class_=class_)


def axes(x: AxisScale, y: AxisScale, *, names: tuple[str, str]) -> Markup:
    """Draw grid lines, tick labels and the axes' names: y above the axis, x below it.

    Args:
        x: positions run from left to right.
        y: positions run from the bottom (`start`) to the top (`end`).
        names: names of the axes; steps and epochs get integer ticks only.
    """
    parts: list[Markup] = [label(names[1], (0, y.end - 14), class_="name")]
    for value in y.ticks(4):
        height = y.place(value)
        parts.append(rule((x.start, height), (x.end, height), class_="grid"))
        parts.append(label(tick(value), (x.start - 8, height + 4.5), class_="tick", anchor="end"))
    whole = names[0] in ("step", "epoch") and x.high - x.low >= 2
    for value in x.ticks(5):
        if not whole or value == int(value):
            parts.append(label(tick(value), (x.place(value), y.start + 18), class_="tick", anchor="middle"))
    parts.append(rule((x.start, y.start), (x.end, y.start), class_="axis"))
    parts.append(label(names[0], (x.end, y.start + 35), class_="name", anchor="end"))
    return Markup("".join(parts))


def apart(heights: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move labels up or down until neighbours are at least `gap` apart.

    >>> apart([10, 12, 50], gap=10, low=0, high=100)
    [6.0, 16.0, 50.0]
    """
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    places = [float(heights[index]) for index in order]
    for _ in range(50):
        for first in range(len(places) - 1):
            lack = gap - (places[first + 1] - places[first])
            if lack > 1e-6:
                places[first] -= lack / 2
                places[first + 1] += lack / 2
        places = [min(high, max(low, place)) for place in places]
    return [places[order.index(index)] for index in range(len(heights))]


def fit(text: str, width: float, *, size: float = SIZE) -> str:
    """Shorten a text to a width.

    >>> fit("a very long class name", 60)
    'a very…'
    """
    most = max(2, int(width / (CHARACTER * size)))
    text = printable(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def drawing(children: Child, *, size: tuple[float, float], title: str, describe: str) -> Markup:
    """Make an SVG element with a title and a description of what it shows."""
    width, height = size
    inner = [tag("title", title), tag("desc", describe), children]
    named = f"{title}. {describe}"
    return tag("svg", inner, viewBox=f"0 0 {px(width)} {px(height)}", role="img", aria_label=named, class_="figure")
