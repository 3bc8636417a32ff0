"""Curves over the course of a run: loss and its parts, score, learning rate, gradient norm."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainwell.core.signals import Series
from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import AxisScale, Point, apart, axes, drawing, label, line, px, room, rule, thin
from trainwell.report.text.words import SPLITS, capitalised, number, words
from trainwell.runs.snapshot import Snapshot

_WIDTH = 440.0
_HEIGHT = 270.0
_LEFT = 58.0
_TOP = 30.0
_BOTTOM = 222.0
# right end of the axis with and without names beside the lines
_NAMED = 350.0
_UNNAMED = 428.0
_ROWS = 40


class RunCurve(NamedTuple):
    """One line: what it is, how it is drawn ("train", "validation", "faint", "other") and its points."""

    name: str
    style: str
    points: tuple[Point, ...]


class CurveAxes(NamedTuple):
    """The axes of a figure of curves.

    Args:
        x: name of the horizontal axis, "epoch" or "step".
        y: name of the vertical axis.
        log: True for a logarithmic vertical axis.
    """

    x: str
    y: str
    log: bool = False


class CurvesInfo(NamedTuple):
    """What a figure of curves shows.

    Args:
        title: name of the figure.
        axes: their names and scale.
        curves: the lines.
        level: a value to compare with and its name, e.g. the loss at chance level.
        mark: a point to mark, and its label.
        broken: the first moment with a NaN or infinite value.
    """

    title: str
    axes: CurveAxes
    curves: tuple[RunCurve, ...]
    level: tuple[float, str] | None = None
    mark: tuple[Point, str] | None = None
    broken: float | None = None


class Clock(NamedTuple):
    """Turns steps into epochs where the run counted any: step `first` ended epoch 1, each lasts `every` steps."""

    first: int = 0
    every: int = 0

    @property
    def name(self) -> str:
        """The unit of time: "epoch" or "step"."""
        return "epoch" if self.every else "step"

    def time(self, step: int) -> float:
        """Return the moment of a step."""
        return 1 + (step - self.first) / self.every if self.every else float(step)

    def points(self, series: Series) -> tuple[Point, ...]:
        """Return a series as points over time, in order of time."""
        return tuple(sorted(((self.time(step), value) for step, value in series), key=lambda point: point[0]))


def clock(snapshot: Snapshot) -> Clock:
    """Return how many steps an epoch has: the difference between the ends of the first two."""
    for name in ("loss/train_epoch", "loss/validation"):
        steps = sorted(set(snapshot.signals[name].steps))
        if len(steps) >= 2:
            return Clock(steps[0], steps[1] - steps[0])
    return Clock()


def loss_info(snapshot: Snapshot) -> CurvesInfo | None:
    """Return training and validation loss, with the loss at chance level; None if no loss was recorded."""
    time = clock(snapshot)
    signals = snapshot.signals
    steps, epochs, held_out = (signals[f"loss/{name}"] for name in ("train", "train_epoch", "validation"))
    curves = []
    if len(steps) > 1:
        name, style = ("", "faint") if len(epochs) > 1 else ("training", "train")
        curves.append(RunCurve(name, style, time.points(steps)))
    if len(epochs) > 1:
        curves.append(RunCurve("training", "train", time.points(epochs)))
    if len(held_out) > 1:
        curves.append(RunCurve("validation", "validation", time.points(held_out)))
    if not curves:
        return None
    chance = snapshot.chance_loss
    level = None if chance is None else (chance, "chance level")
    broken = [across for curve in curves for across, value in curve.points if not math.isfinite(value)]
    return CurvesInfo(
        "Loss",
        CurveAxes(time.name, "loss", log=_wide(curves)),
        tuple(curves),
        level=level,
        mark=_best(snapshot, time, series=held_out),
        broken=min(broken, default=None),
    )


def loss_parts_info(snapshot: Snapshot) -> CurvesInfo | None:
    """Return the parts of a training loss that has several, by name; None if fewer than two were recorded."""
    time = clock(snapshot)
    curves = [
        RunCurve(words(name), "other", time.points(series))
        for name, series in sorted(snapshot.signals.under("loss/part").items())
        if len(series) > 1
    ]
    if len(curves) < 2:
        return None
    return CurvesInfo("Parts of the loss", CurveAxes(time.name, "loss", log=_wide(curves)), tuple(curves))


def score_info(snapshot: Snapshot, name: str = "") -> CurvesInfo | None:
    """Return one score on training and validation data; None if it was not recorded twice.

    Args:
        snapshot: the run.
        name: which score; the main one by default.
    """
    name = name or snapshot.main_score
    time = clock(snapshot)
    found = {split: snapshot.signals[f"score/{split}/{name}"] for split in ("train", "validation")}
    curves = tuple(
        RunCurve(SPLITS[split], split, time.points(series)) for split, series in found.items() if len(series) > 1
    )
    if not curves:
        return None
    mark = _best(snapshot, time, series=found["validation"])
    return CurvesInfo(capitalised(words(name)), CurveAxes(time.name, words(name)), curves, mark=mark)


def rate_info(snapshot: Snapshot) -> CurvesInfo | None:
    """Return the learning rate over time; None if it was not recorded twice."""
    series = snapshot.signals["learning_rate"]
    time = clock(snapshot)
    if len(series) < 2:
        return None
    curve = RunCurve("", "train", time.points(series))
    return CurvesInfo("Learning rate", CurveAxes(time.name, "learning rate"), (curve,))


def gradient_info(snapshot: Snapshot) -> CurvesInfo | None:
    """Return the norm of the whole gradient over time; None if it was not recorded twice."""
    series = snapshot.signals["grad/norm"]
    time = clock(snapshot)
    if len(series) < 2:
        return None
    curve = RunCurve("", "train", time.points(series))
    return CurvesInfo("Gradient norm", CurveAxes(time.name, "gradient norm", log=_wide([curve])), (curve,))


def _best(snapshot: Snapshot, time: Clock, *, series: Series) -> tuple[Point, str] | None:
    step = snapshot.event("best").get("step")
    if not isinstance(step, int) or step not in series.steps:
        return None
    value = series.values[series.steps.index(step)]
    return ((time.time(step), value), "best") if math.isfinite(value) else None


def _wide(curves: list[RunCurve]) -> bool:
    """Tell whether values span more than a factor of 30, so that a linear axis would hide the end of the curve."""
    values = [value for curve in curves for _, value in curve.points if math.isfinite(value)]
    return bool(values) and min(values) > 0 and max(values) / min(values) > 30


def draw_curves(info: CurvesInfo) -> Markup:
    """Draw curves with a label at the end of each, and a table of their numbers."""
    points = [point for curve in info.curves for point in curve.points]
    level = [info.level[0]] if info.level and (info.level[0] > 0 or not info.axes.log) else []
    low, high = room([value for _, value in points] + level, log=info.axes.log)
    if min((value for _, value in points if math.isfinite(value)), default=-1) >= 0:
        low = max(low, 0.0)
    right = _NAMED if level or any(curve.name for curve in info.curves) else _UNNAMED
    x = AxisScale(min(across for across, _ in points), max(across for across, _ in points), _LEFT, right)
    y = AxisScale(low, high, _BOTTOM, _TOP, info.axes.log)
    parts = [axes(x, y, names=(info.axes.x, info.axes.y + (" (log scale)" if info.axes.log else "")))]
    if level:
        parts.append(rule((_LEFT, y.place(level[0])), (right, y.place(level[0])), class_="level"))
    for curve in info.curves:
        parts.append(line(thin(curve.points), x=x, y=y, class_=f"line {curve.style}"))
    if info.mark:
        (across, up), text = info.mark
        at = (x.place(across), y.place(up))
        parts.append(tag("circle", cx=px(at[0]), cy=px(at[1]), r=4.5, class_="mark"))
        # The best loss is a valley and the best score a peak: the label stands on the free side, if there is room.
        below = at[1] < _TOP + 16 or (info.axes.y == "loss" and at[1] < _BOTTOM - 24)
        parts.append(label(text, (at[0], at[1] + (19 if below else -11)), class_="said", anchor="middle"))
    parts.append(_ends(info, y, level=level))
    if info.broken is not None:
        parts.append(rule((x.place(info.broken), _TOP), (x.place(info.broken), _BOTTOM), class_="break"))
        side = -8 if x.place(info.broken) > (_LEFT + right) / 2 else 8
        at = (x.place(info.broken) + side, _TOP + 12)
        parts.append(label("NaN", at, class_="broken", anchor="end" if side < 0 else "start"))
    image = drawing(parts, size=(_WIDTH, _HEIGHT), title=info.title, describe=_describe(info))
    return join([image, _numbers(info)])


def _ends(info: CurvesInfo, y: AxisScale, *, level: list[float]) -> Markup:
    """Write the name of each line beside its end."""
    named = []
    for curve in info.curves:
        finite = [value for _, value in curve.points if math.isfinite(value)]
        if curve.name and finite:
            named.append((curve.name, finite[-1], f"end {curve.style}"))
    if level and info.level:
        named.append((info.level[1], level[0], "end"))
    heights = apart([y.place(value) for _, value, _ in named], gap=16, low=_TOP, high=_BOTTOM)
    return Markup(
        "".join(
            label(name, (_NAMED + 8, height + 4.5), class_=style)
            for (name, _, style), height in zip(named, heights, strict=True)
        )
    )


def _describe(info: CurvesInfo) -> str:
    parts = []
    for curve in info.curves:
        if curve.name or len(info.curves) == 1:
            name = curve.name or info.axes.y
            parts.append(f"{name} from {number(curve.points[0][1])} to {number(curve.points[-1][1])}")
    if info.level:
        parts.append(f"{info.level[1]} is {number(info.level[0])}")
    if info.mark:
        (across, value), what = info.mark
        parts.append(f"{what} {number(value)} at {info.axes.x} {number(across)}")
    return f"Over {info.axes.x}s: " + "; ".join(parts) + "."


def _numbers(info: CurvesInfo) -> Markup:
    shown = [curve for curve in info.curves if curve.style != "faint"]
    by_time: dict[float, dict[str, float]] = {}
    for curve in shown:
        for across, value in curve.points:
            by_time.setdefault(across, {})[curve.name] = value
    times = sorted(by_time)
    every = max(1, math.ceil(len(times) / _ROWS))
    picked = sorted({*times[::every], *times[-1:]})
    rows = [[number(time), *(number(by_time[time].get(curve.name)) for curve in shown)] for time in picked]
    heads = [info.axes.x, *(curve.name or info.axes.y for curve in shown)]
    return tag("details", [tag("summary", "Numbers"), table(heads, rows, texts=0, caption=info.title)])
