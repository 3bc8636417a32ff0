"""The network beside simple methods, as bars."""

from __future__ import annotations

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import CHARACTER, SIZE, AxisScale, drawing, fit, label, px, rule
from trainwell.report.text.baselines import Baselines
from trainwell.report.text.words import number, score_text, words

_WIDTH = 440.0


def draw_baselines(info: Baselines) -> Markup:
    """Draw a bar for each method, the network's in full colour, with its value at the end."""
    longest = max(len(method.name) for method in info.methods) * CHARACTER * SIZE
    left = min(190.0, longest + 24)
    right = _WIDTH - 72
    top = 12.0
    step = 34.0
    values = [method.value for method in info.methods]
    x = AxisScale(min(0.0, *values), max(0.0, *values) or 1.0, left, right)
    parts: list[Markup] = []
    for index, method in enumerate(info.methods):
        height = top + index * step
        kind = "network" if method.network else "simple"
        begin, end = sorted((x.place(0), x.place(method.value)))
        parts.append(
            label(fit(method.name, left - 14), (left - 10, height + 16.5), class_=f"tick {kind}", anchor="end")
        )
        parts.append(
            tag("rect", class_=f"bar {kind}", x=px(begin), y=px(height), width=px(max(1, end - begin)), height=24, rx=2)
        )
        if method.interval:
            low, high = (x.place(value) for value in method.interval)
            parts.append(rule((low, height + 12), (high, height + 12), class_="whisker"))
        free = max(end, x.place(method.interval[1]) if method.interval else end) + 8
        parts.append(label(score_text(info.score, method.value), (free, height + 16.5), class_=f"value {kind}"))
    bottom = top + len(info.methods) * step
    parts.append(rule((x.place(0), top - 6), (x.place(0), bottom - 4), class_="axis"))
    remark = ", lower is better" if info.lower else ", with 95 % interval" if info.methods[0].interval else ""
    parts.append(label(f"{words(info.score)} ({info.split}){remark}", (left, bottom + 14), class_="name"))
    described = "; ".join(f"{method.name} {score_text(info.score, method.value)}" for method in info.methods) + "."
    image = drawing(parts, size=(_WIDTH, bottom + 24), title="The network beside simple methods", describe=described)
    return join([image, _listed(info)])


def _listed(info: Baselines) -> Markup:
    rows = [
        [method.name, number(method.value), " to ".join(map(number, method.interval)) if method.interval else "–"]
        for method in info.methods
    ]
    body = table(["method", words(info.score), "95 % interval"], rows, caption=f"Methods compared ({info.split})")
    return tag("details", [tag("summary", "Numbers"), body])
