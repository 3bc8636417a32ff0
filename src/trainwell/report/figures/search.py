"""Figures of a search: parallel coordinates, score against each setting, importance of the settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import (
    CHARACTER,
    SIZE,
    AxisScale,
    axes,
    drawing,
    fit,
    label,
    line,
    px,
    room,
    rule,
    tick,
)
from trainwell.report.text.words import number, percent, score_text, words
from trainwell.search import Range, Space, Study

_WIDTH = 560.0
_HEIGHT = 300.0
_MOST_LINES = 240
_MOST_POINTS = 600
_BEST = 10


class ParallelInfo(NamedTuple):
    """Trials in parallel coordinates.

    Args:
        names: the settings, then the score.
        ends: labels at the bottom and the top of each axis.
        lines: heights of each trial in [0, 1], worst first; NaN where a setting does not apply.
        best: how many of the last lines are the best trials.
    """

    names: tuple[str, ...]
    ends: tuple[tuple[str, str], ...]
    lines: tuple[tuple[float, ...], ...]
    best: int


class Slice(NamedTuple):
    """The score against one setting: (value, score) of all trials and of the best; `log` as it was searched."""

    name: str
    log: bool
    points: tuple[tuple[float, float], ...]
    best: tuple[float, float]
    score: str


def parallel_info(study: Study, space: Space) -> ParallelInfo | None:
    """Return the trials with a score in parallel coordinates; None if there are fewer than two."""
    ranked = [trial for trial in study.ranked if trial.score is not None]
    if len(ranked) < 2:
        return None
    scores = [trial.score for trial in ranked if trial.score is not None]
    low = min(scores)
    high = max(scores)
    chosen = [*_sample(range(_BEST, len(ranked)), _MOST_LINES)[::-1], *reversed(range(min(_BEST, len(ranked))))]
    lines = []
    for place in chosen:
        settings = ranked[place].settings
        shares = [kind.fraction(settings[key]) if key in settings else math.nan for key, kind in space.settings.items()]
        lines.append((*shares, (scores[place] - low) / (high - low) if high > low else 0.5))
    ends = [
        (tick(kind.low), tick(kind.high)) if isinstance(kind, Range) else (str(kind.values[0]), str(kind.values[-1]))
        for kind in space.settings.values()
    ]
    names = (*space.settings, words(study.main_score))
    written = (*ends, (score_text(study.main_score, low), score_text(study.main_score, high)))
    return ParallelInfo(names, written, tuple(lines), min(_BEST, len(ranked)))


def draw_parallel(info: ParallelInfo) -> Markup:
    """Draw a line for each trial, the best ones in full colour on top."""
    top = 44.0
    bottom = _HEIGHT - 28
    side = 48.0
    across = AxisScale(0, len(info.names) - 1, side, _WIDTH - side)
    up = AxisScale(0, 1, bottom, top)
    parts: list[Markup] = []
    for place, heights in enumerate(info.lines):
        best = place >= len(info.lines) - info.best
        points = list(enumerate(heights))
        parts.append(line(points, x=across, y=up, class_="line train" if best else "line faint"))
    for place, (name, (low, high)) in enumerate(zip(info.names, info.ends, strict=True)):
        at = across.place(place)
        parts.append(rule((at, bottom), (at, top), class_="axis"))
        room_for = (_WIDTH - 2 * side) / max(1, len(info.names) - 1) + 20
        short = fit(name.rpartition(".")[2].replace("_", " "), room_for)
        parts.append(label(short, (at, 16), class_="name", anchor="middle"))
        parts.append(label(fit(low, room_for), (at, bottom + 18), class_="tick", anchor="middle"))
        parts.append(label(fit(high, room_for), (at, top - 8), class_="tick", anchor="middle"))
    described = (
        f"{len(info.lines)} trials as lines across {', '.join(info.names)}; the {info.best} best are highlighted."
    )
    return drawing(parts, size=(_WIDTH, _HEIGHT), title="Trials across settings", describe=described)


def slice_infos(study: Study, space: Space) -> list[Slice]:
    """Return the score against each setting that is a range."""
    best = study.best
    if best is None or best.score is None:
        return []
    found = []
    for key, kind in space.settings.items():
        if not isinstance(kind, Range) or key not in best.settings:
            continue
        pairs = [
            (_value(trial.settings[key]), trial.score)
            for trial in study.trials
            if trial.score is not None and key in trial.settings
        ]
        kept = tuple(pairs[place] for place in _sample(range(len(pairs)), _MOST_POINTS))
        found.append(Slice(key, kind.log, kept, (_value(best.settings[key]), best.score), study.main_score))
    return found


def draw_slice(info: Slice) -> Markup:
    """Draw the score against one setting; the best trial is marked."""
    values = [across for across, _ in info.points]
    x = AxisScale(*room(values, log=info.log), 52, 430, log=info.log)
    y = AxisScale(*room([up for _, up in info.points]), 230, 30)
    parts = [axes(x, y, names=(info.name, words(info.score)))]
    parts += [
        tag("circle", class_="point", cx=px(x.place(across)), cy=px(y.place(up)), r=2.6) for across, up in info.points
    ]
    parts.append(tag("circle", class_="mark", cx=px(x.place(info.best[0])), cy=px(y.place(info.best[1])), r=5))
    described = f"The best has {info.name} {number(info.best[0])} and {words(info.score)} {number(info.best[1])}."
    return drawing(parts, size=(440, 270), title=f"Score against {info.name}", describe=described)


def draw_importance(shares: Sequence[tuple[str, float]]) -> Markup:
    """Draw a bar for each setting: the fraction of the score's variance that it explains."""
    longest = max(len(name) for name, _ in shares) * CHARACTER * SIZE
    left = min(220.0, longest + 24)
    step = 34.0
    x = AxisScale(0, max(0.01, *(share for _, share in shares)), left, 370)
    parts: list[Markup] = []
    for index, (name, share) in enumerate(shares):
        height = 8 + index * step
        parts.append(label(fit(name, left - 14), (left - 10, height + 16.5), class_="tick", anchor="end"))
        width = px(max(1, x.place(share) - left))
        parts.append(tag("rect", class_="bar network", x=px(left), y=px(height), width=width, height=24, rx=2))
        parts.append(label(percent(share), (x.place(share) + 8, height + 16.5), class_="value"))
    described = "; ".join(f"{name} {percent(share)}" for name, share in shares) + "."
    image = drawing(parts, size=(440, 16 + step * len(shares)), title="Importance of the settings", describe=described)
    rows = [[name, percent(share)] for name, share in shares]
    body = table(["setting", "fraction of the variance"], rows, caption="Importance of the settings")
    return join([image, tag("details", [tag("summary", "Numbers"), body])])


def _sample(places: range, most: int) -> list[int]:
    """Choose at most `most` places, evenly: ten thousand lines show no more than a few hundred."""
    every = max(1, math.ceil(len(places) / most))
    return list(places[::every])


def _value(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
