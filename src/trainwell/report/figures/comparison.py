"""The network beside simple methods, and its predictions beside the truth."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import CHARACTER, SIZE, Scale, axes, drawing, fit, label, px, room, rule
from trainwell.report.text.snapshot import Snapshot
from trainwell.report.text.words import lower_is_better, number, printable, score_text, words

_WIDTH = 440.0
_MOST_POINTS = 500


class Bar(NamedTuple):
    """One method: its name, its score, the 95 % interval of it where known, and whether it is the network."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    network: bool = False


class BaselinesInfo(NamedTuple):
    """The network beside simple methods on the same examples, best first.

    Args:
        score: name of the score.
        split: which examples.
        bars: the methods.
        lower: True if a smaller value is better.
    """

    score: str
    split: str
    bars: tuple[Bar, ...]
    lower: bool

    @property
    def network(self) -> Bar | None:
        """The network's own bar."""
        return next((bar for bar in self.bars if bar.network), None)

    @property
    def best_simple(self) -> Bar | None:
        """The best of the simple methods."""
        return next((bar for bar in self.bars if not bar.network), None)


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share seen in `count` examples (Wilson, JASA 1927).

    >>> low, high = wilson(0.978, 270)
    >>> round(low, 3), round(high, 3)
    (0.953, 0.99)
    """
    z = 1.959964
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def baselines_info(snapshot: Snapshot) -> BaselinesInfo | None:
    """Compare the network's main score with those of simple methods; None if there are none."""
    event, score = snapshot.event("baselines"), snapshot.main_score
    split = printable(event.get("split", "test"))
    count = snapshot.sizes.get(split, 0)
    found = [(printable(row["name"]), row["scores"].get(score), False) for row in event.get("rows", ())]
    found.append(
        (printable(snapshot.event("network").get("model", "network")), snapshot.scores.get(split, {}).get(score), True)
    )
    bars = [
        Bar(name, float(value), _interval(score, float(value), count), network)
        for name, value, network in found
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    lower = lower_is_better(score)
    bars.sort(key=lambda bar: bar.value if lower else -bar.value)
    return BaselinesInfo(score, split, tuple(bars), lower) if any(not bar.network for bar in bars) else None


def _interval(score: str, value: float, count: int) -> tuple[float, float] | None:
    return wilson(value, count) if score == "accuracy" and count and 0 <= value <= 1 else None


def draw_baselines(info: BaselinesInfo) -> Markup:
    """Draw a bar for each method, the network's in full colour, with its value at the end."""
    longest = max(len(bar.name) for bar in info.bars) * CHARACTER * SIZE
    left, right, top, step = min(190.0, longest + 24), _WIDTH - 72, 12.0, 34.0
    values = [bar.value for bar in info.bars]
    x = Scale(min(0.0, *values), max(0.0, *values) or 1.0, left, right)
    parts: list[Markup] = []
    for index, bar in enumerate(info.bars):
        height = top + index * step
        kind = "network" if bar.network else "simple"
        begin, end = sorted((x.place(0), x.place(bar.value)))
        parts.append(label(fit(bar.name, left - 14), (left - 10, height + 16.5), class_=f"tick {kind}", anchor="end"))
        parts.append(
            tag("rect", class_=f"bar {kind}", x=px(begin), y=px(height), width=px(max(1, end - begin)), height=24, rx=2)
        )
        if bar.interval:
            low, high = (x.place(value) for value in bar.interval)
            parts.append(rule((low, height + 12), (high, height + 12), class_="whisker"))
        free = max(end, x.place(bar.interval[1]) if bar.interval else end) + 8
        parts.append(label(score_text(info.score, bar.value), (free, height + 16.5), class_=f"value {kind}"))
    bottom = top + len(info.bars) * step
    parts.append(rule((x.place(0), top - 6), (x.place(0), bottom - 4), class_="axis"))
    remark = ", lower is better" if info.lower else ", with 95 % interval" if info.bars[0].interval else ""
    parts.append(label(f"{words(info.score)} ({info.split}){remark}", (left, bottom + 14), class_="name"))
    described = "; ".join(f"{bar.name} {score_text(info.score, bar.value)}" for bar in info.bars) + "."
    picture = drawing(parts, size=(_WIDTH, bottom + 24), title="The network beside simple methods", describe=described)
    return join([picture, _listed(info)])


def _listed(info: BaselinesInfo) -> Markup:
    rows = [
        [bar.name, number(bar.value), " to ".join(map(number, bar.interval)) if bar.interval else "–"]
        for bar in info.bars
    ]
    body = table(["method", words(info.score), "95 % interval"], rows, caption=f"Methods compared ({info.split})")
    return tag("details", [tag("summary", "Numbers"), body])


class ScatterInfo(NamedTuple):
    """Predicted numbers beside true ones: (true, predicted) pairs."""

    split: str
    points: tuple[tuple[float, float], ...]


def scatter_info(snapshot: Snapshot) -> ScatterInfo | None:
    """Pair true and predicted numbers; None if the run kept none."""
    event = snapshot.event("residuals")
    pairs = zip(_numbers(event.get("true", ())), _numbers(event.get("predicted", ())), strict=False)
    points = tuple(pair for pair in pairs if all(map(math.isfinite, pair)))[:_MOST_POINTS]
    return ScatterInfo(printable(event.get("split", "")), points) if points else None


def _numbers(values: list[object]) -> list[float]:
    """Read one number for each example; of several targets, the first."""
    firsts = (value[0] if isinstance(value, list) and value else value for value in values)
    return [float(value) if isinstance(value, int | float) else math.nan for value in firsts]


def draw_scatter(info: ScatterInfo) -> Markup:
    """Draw predictions over the truth; on the diagonal they agree."""
    low, high = room([value for point in info.points for value in point])
    x, y = Scale(low, high, 62, _WIDTH - 20), Scale(low, high, 350, 30)
    parts = [axes(x, y, names=(f"true value ({info.split})", "predicted value"))]
    parts.append(rule((x.start, y.start), (x.end, y.end), class_="level"))
    parts.append(label("prediction = truth", (x.end - 24, y.end + 12), class_="end", anchor="end"))
    parts += [tag("circle", cx=px(x.place(a)), cy=px(y.place(b)), r=3, class_="point") for a, b in info.points]
    described = f"{len(info.points)} examples; on the diagonal the prediction is right."
    picture = drawing(parts, size=(_WIDTH, 392), title="Predicted and true values", describe=described)
    rows = [[number(a), number(b), number(b - a)] for a, b in info.points[:50]]
    body = table(["true", "predicted", "difference"], rows, texts=0, caption="Predicted and true values, the first 50")
    return join([picture, tag("details", [tag("summary", "Numbers"), body])])
