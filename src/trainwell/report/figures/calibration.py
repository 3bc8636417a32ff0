"""Whether a network is as right as it is sure (curriculum L4)."""

from __future__ import annotations

from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import Scale, axes, drawing, label, px, rule
from trainwell.report.text.snapshot import Snapshot
from trainwell.report.text.words import number, percent, printable

_WIDTH = 440.0


class CalibrationInfo(NamedTuple):
    """Confidence and accuracy, bin by bin.

    Args:
        split: which examples were judged.
        bins: (mean confidence, accuracy, examples) of each bin.
        error: expected calibration error, a fraction.
        says: the numbers in a sentence.
    """

    split: str
    bins: tuple[tuple[float, float, int], ...]
    error: float
    says: str


def calibration_info(snapshot: Snapshot) -> CalibrationInfo | None:
    """Read what was recorded; None if the run did not judge its confidence."""
    event = snapshot.event("calibration")
    rows = zip(event.get("confidence", ()), event.get("accuracy", ()), event.get("counts", ()), strict=False)
    bins = tuple((float(sure), float(right), int(count)) for sure, right, count in rows)
    if not bins:
        return None
    error = float(event.get("error", 0.0))
    sure = sum(confidence * count for confidence, _, count in bins)
    gap = sure - sum(right * count for _, right, count in bins)
    side = "too sure" if gap > 0 else "not sure enough"
    parts = [f"Confidence and accuracy differ by {percent(error)} on average; on the whole it is {side}."]
    for count in (1, 5):
        value = event.get(f"top{count}_error")
        parts += [f"Top-{count} error {percent(value)}."] if isinstance(value, float) else []
    return CalibrationInfo(printable(event.get("split", "")), bins, error, " ".join(parts))


def draw_calibration(info: CalibrationInfo) -> Markup:
    """Draw accuracy over confidence; the larger the dot, the more examples; on the diagonal both agree."""
    x, y = Scale(0.0, 1.0, 62, _WIDTH - 20), Scale(0.0, 1.0, 350, 30)
    most = max(count for _, _, count in info.bins)
    parts = [axes(x, y, names=("confidence", "accuracy"))]
    parts.append(rule((x.start, y.start), (x.end, y.end), class_="level"))
    parts.append(label("as right as sure", (x.end - 30, y.end + 12), class_="end", anchor="end"))
    parts += [
        tag("circle", cx=px(x.place(sure)), cy=px(y.place(right)), r=px(3 + 7 * (count / most) ** 0.5), class_="point")
        for sure, right, count in info.bins
    ]
    described = f"{len(info.bins)} bins of confidence; the mean gap is {percent(info.error)}."
    picture = drawing(parts, size=(_WIDTH, 392), title="Confidence and accuracy", describe=described)
    rows = [[percent(sure), percent(right), number(count)] for sure, right, count in info.bins]
    body = table(["confidence", "accuracy", "examples"], rows, texts=0, caption="Confidence and accuracy")
    return join([picture, tag("details", [tag("summary", "Numbers"), body])])
