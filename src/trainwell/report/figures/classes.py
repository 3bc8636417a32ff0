"""The confusion matrix, and precision and recall by class."""

from __future__ import annotations

from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import CHARACTER, SIZE, AxisScale, drawing, fit, label, px, rule
from trainwell.report.text.words import number, percent, printable
from trainwell.runs.snapshot import Snapshot

_WIDTH = 440.0
# More classes than this do not fit as legible cells: the page then lists the confusions only.
_MOST_CELLS = 24
_MOST_ROWS = 30


class ConfusedPair(NamedTuple):
    """How many examples of one class were predicted as another."""

    true: str
    predicted: str
    times: int
    share: float


class ConfusionInfo(NamedTuple):
    """The confusion matrix.

    Args:
        split: which examples were counted.
        labels: names of the classes.
        matrix: counts, one row for each true class.
        worst: the most frequent confusions, largest first.
        right: correctly classified examples: those on the diagonal.
        total: all examples.
    """

    split: str
    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    worst: tuple[ConfusedPair, ...]
    right: int
    total: int


def confusion_info(snapshot: Snapshot, *, worst: int = 5) -> ConfusionInfo | None:
    """Read the confusion matrix; None if the run recorded none."""
    event = snapshot.event("confusion")
    labels = tuple(printable(name) for name in event.get("labels", ()))
    matrix = tuple(tuple(int(count) for count in row) for row in event.get("matrix", ()))
    if not matrix or any(len(row) != len(labels) for row in matrix) or len(matrix) != len(labels):
        return None
    pairs = [
        ConfusedPair(labels[row], labels[column], count, count / max(1, sum(matrix[row])))
        for row in range(len(labels))
        for column, count in enumerate(matrix[row])
        if row != column and count
    ]
    pairs.sort(key=lambda pair: (-pair.times, -pair.share))
    right = sum(matrix[index][index] for index in range(len(labels)))
    return ConfusionInfo(
        printable(event.get("split", "")), labels, matrix, tuple(pairs[:worst]), right, sum(map(sum, matrix))
    )


def draw_confusion(info: ConfusionInfo) -> Markup | None:
    """Draw the matrix, correct predictions in blue and wrong ones in orange; None if there are too many classes."""
    count = len(info.labels)
    if count > _MOST_CELLS:
        return None
    longest = max(map(len, info.labels)) * CHARACTER * SIZE
    left = min(120.0, longest + 14) + 22
    cell = min(52.0, (_WIDTH - left - 4) / count)
    turned = longest > cell - 4
    top = 24 + (min(112.0, longest + 4) + 8 if turned else 22)
    parts = [
        label("predicted", (left, 14), class_="name"),
        label("true", (14, top), class_="name", turn=-90, anchor="end"),
    ]
    for index, name in enumerate(info.labels):
        centre = (index + 0.5) * cell
        parts.append(label(fit(name, left - 36), (left - 8, top + centre + 4.5), class_="tick", anchor="end"))
        at = (left + centre + (4.5 if turned else 0), top - 8)
        shown = fit(name, 112 if turned else cell)
        anchor = "start" if turned else "middle"
        parts.append(label(shown, at, class_="tick", anchor=anchor, turn=-90 if turned else 0))
    for row, counts in enumerate(info.matrix):
        for column, value in enumerate(counts):
            corner = (left + column * cell, top + row * cell)
            share = value / max(1, sum(counts))
            parts.append(_cell(value, share, corner=corner, size=cell, right=row == column))
    size = (_WIDTH, top + count * cell + 4)
    described = f"{info.right} of {info.total} examples are classified correctly."
    return drawing(parts, size=size, title=f"ConfusedPair matrix ({info.split})", describe=described)


def _cell(value: int, share: float, *, corner: tuple[float, float], size: float, right: bool) -> Markup:
    x, y = corner
    strength = None if not value else px(0) if share == 0 else f"{0.1 + 0.9 * share**0.6:.2f}"
    kind = "right" if right else "wrong"
    box = tag(
        "rect",
        x=px(x + 1),
        y=px(y + 1),
        width=px(size - 2),
        height=px(size - 2),
        rx=2,
        class_=f"cell {kind}" if value else "cell none",
        fill_opacity=strength,
    )
    if not value or size < 15:
        return box
    written = number(value)
    font = min(SIZE, (size - 2) / (CHARACTER * max(2, len(written))))
    text = tag(
        "text",
        written,
        x=px(x + size / 2),
        y=px(y + size / 2 + font * 0.36),
        text_anchor="middle",
        font_size=px(font),
        class_="count strong" if strength and float(strength) > 0.55 else "count",
    )
    return join([box, text])


class ClassScore(NamedTuple):
    """Scores of one class; None where a score is not defined."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int | None


class PerClassInfo(NamedTuple):
    """Scores of each class, lowest F1 first."""

    split: str
    rows: tuple[ClassScore, ...]


def per_class_info(snapshot: Snapshot) -> PerClassInfo | None:
    """Sort the classes by F1, lowest first; None if the run recorded no scores by class."""
    event = snapshot.event("per_class")
    rows = [
        ClassScore(printable(row["label"]), row.get("precision"), row.get("recall"), row.get("f1"), row.get("support"))
        for row in event.get("rows", ())
    ]
    rows.sort(key=lambda row: (row.f1 is not None, row.f1 or 0.0))
    return PerClassInfo(printable(event.get("split", "")), tuple(rows)) if rows else None


def draw_per_class(info: PerClassInfo) -> Markup:
    """Draw precision and recall of each class on one line, for the `_MOST_ROWS` classes with the lowest F1."""
    rows = info.rows[:_MOST_ROWS]
    left = min(130.0, max(len(row.label) for row in rows) * CHARACTER * SIZE + 14)
    values = [value for row in rows for value in (row.precision, row.recall) if value is not None]
    low = max(0.0, min(values, default=0.0) - 0.02)
    x = AxisScale(low if low > 0.3 else 0.0, 1.0, left + 8, _WIDTH - 16)
    top = 44.0
    step = 22.0
    bottom = top + step * len(rows)
    parts = [_mark("recall", (left + 14, 12)), label("recall", (left + 26, 16.5), class_="name")]
    parts += [_mark("precision", (left + 104, 12)), label("precision", (left + 116, 16.5), class_="name")]
    for tick in x.ticks(4):
        parts.append(rule((x.place(tick), top - 10), (x.place(tick), bottom - 6), class_="grid"))
        parts.append(label(number(tick), (x.place(tick), bottom + 12), class_="tick", anchor="middle"))
    for index, row in enumerate(rows):
        height = top + step * index + 4
        parts.append(label(fit(row.label, left - 8), (left - 4, height + 4.5), class_="tick", anchor="end"))
        if row.precision is not None and row.recall is not None:
            parts.append(rule((x.place(row.precision), height), (x.place(row.recall), height), class_="span"))
        parts += [_mark("precision", (x.place(row.precision), height))] if row.precision is not None else []
        parts += [_mark("recall", (x.place(row.recall), height))] if row.recall is not None else []
    described = f"The lowest F1 is {number(rows[0].f1)}, of class {rows[0].label}."
    image = drawing(parts, size=(_WIDTH, bottom + 20), title="Precision and recall by class", describe=described)
    return join([image, _listed(info)])


def _mark(kind: str, at: tuple[float, float]) -> Markup:
    x, y = at
    if kind == "recall":
        return tag("circle", cx=px(x), cy=px(y), r=4.5, class_="dot recall")
    corners = " ".join(f"{px(x + dx)},{px(y + dy)}" for dx, dy in ((0, -6), (6, 0), (0, 6), (-6, 0)))
    return tag("polygon", points=corners, class_="dot precision")


def _listed(info: PerClassInfo) -> Markup:
    def written(value: float | None) -> str:
        return percent(value) if value is not None else "–"

    heads = ["class", "precision", "recall", "F1", "examples"]
    rows = [
        [row.label, written(row.precision), written(row.recall), written(row.f1), number(row.support)]
        for row in info.rows[:200]
    ]
    return tag("details", [tag("summary", "Numbers"), table(heads, rows, caption=f"Scores by class ({info.split})")])
