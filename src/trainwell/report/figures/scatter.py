"""Predicted numbers over true ones."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import AxisScale, axes, drawing, label, px, room, rule
from trainwell.report.text.words import number, printable
from trainwell.runs import Snapshot

_WIDTH = 440.0
_MOST_POINTS = 500


class ScatterInfo(NamedTuple):
    """Predicted numbers beside true ones: (true, predicted) pairs."""

    split: str
    points: tuple[tuple[float, float], ...]


def scatter_info(snapshot: Snapshot) -> ScatterInfo | None:
    """Pair true and predicted numbers; None if the run recorded none."""
    event = snapshot.event("residuals")
    pairs = zip(_numbers(event.get("true", ())), _numbers(event.get("predicted", ())), strict=False)
    points = tuple(pair for pair in pairs if all(map(math.isfinite, pair)))[:_MOST_POINTS]
    return ScatterInfo(printable(event.get("split", "")), points) if points else None


def _numbers(values: list[object]) -> list[float]:
    """Read one number for each example; of several targets, the first."""
    firsts = (value[0] if isinstance(value, list) and value else value for value in values)
    return [float(value) if isinstance(value, int | float) else math.nan for value in firsts]


def draw_scatter(info: ScatterInfo) -> Markup:
    """Draw predicted over true values; on the diagonal both agree."""
    low, high = room([value for point in info.points for value in point])
    x = AxisScale(low, high, 62, _WIDTH - 20)
    y = AxisScale(low, high, 350, 30)
    parts = [axes(x, y, names=(f"true value ({info.split})", "predicted value"))]
    parts.append(rule((x.start, y.start), (x.end, y.end), class_="level"))
    parts.append(label("prediction = true value", (x.end - 24, y.end + 12), class_="end", anchor="end"))
    parts += [tag("circle", cx=px(x.place(a)), cy=px(y.place(b)), r=3, class_="point") for a, b in info.points]
    described = f"{len(info.points)} examples; on the diagonal prediction and true value agree."
    image = drawing(parts, size=(_WIDTH, 392), title="Predicted and true values", describe=described)
    rows = [[number(a), number(b), number(b - a)] for a, b in info.points[:50]]
    body = table(["true", "predicted", "difference"], rows, texts=0, caption="Predicted and true values, the first 50")
    return join([image, tag("details", [tag("summary", "Numbers"), body])])
