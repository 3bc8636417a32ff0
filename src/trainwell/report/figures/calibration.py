"""The reliability diagram: accuracy over confidence (Guo et al., ICML 2017)."""

from __future__ import annotations

from typing import NamedTuple

from trainwell.report.figures.markup import Markup, join, table, tag
from trainwell.report.figures.svg import AxisScale, axes, drawing, label, px, rule
from trainwell.report.text.words import number, percent, printable
from trainwell.runs.snapshot import Snapshot

_WIDTH = 440.0


class CalibrationInfo(NamedTuple):
    """Confidence and accuracy, bin by bin.

    Args:
        split: which examples were judged.
        bins: (mean confidence, accuracy, examples) of each bin.
        error: expected calibration error, a fraction.
        says: the numbers in a sentence or two.
    """

    split: str
    bins: tuple[tuple[float, float, int], ...]
    error: float
    says: str


def calibration_info(snapshot: Snapshot) -> CalibrationInfo | None:
    """Read the calibration that was recorded; None if there is none."""
    event = snapshot.event("calibration")
    rows = zip(event.get("confidence", ()), event.get("accuracy", ()), event.get("counts", ()), strict=False)
    bins = tuple((float(confidence), float(accuracy), int(count)) for confidence, accuracy, count in rows)
    if not bins:
        return None
    error = float(event.get("error", 0.0))
    gap = sum((confidence - accuracy) * count for confidence, accuracy, count in bins)
    side = "overconfident" if gap > 0 else "underconfident"
    parts = [f"Expected calibration error {percent(error)}: the network is {side}."]
    for count in (1, 5):
        value = event.get(f"top{count}_error")
        parts += [f"Top-{count} error {percent(value)}."] if isinstance(value, float) else []
    return CalibrationInfo(printable(event.get("split", "")), bins, error, " ".join(parts))


def draw_calibration(info: CalibrationInfo) -> Markup:
    """Draw accuracy over confidence: larger dots hold more examples, and on the diagonal both agree."""
    x = AxisScale(0.0, 1.0, 62, _WIDTH - 20)
    y = AxisScale(0.0, 1.0, 350, 30)
    most = max(count for _, _, count in info.bins)
    parts = [axes(x, y, names=("confidence", "accuracy"))]
    parts.append(rule((x.start, y.start), (x.end, y.end), class_="level"))
    parts.append(label("perfect calibration", (x.end - 30, y.end + 12), class_="end", anchor="end"))
    parts += [
        tag(
            "circle",
            cx=px(x.place(confidence)),
            cy=px(y.place(accuracy)),
            r=px(3 + 7 * (count / most) ** 0.5),
            class_="point",
        )
        for confidence, accuracy, count in info.bins
    ]
    described = f"{len(info.bins)} bins; expected calibration error {percent(info.error)}."
    image = drawing(parts, size=(_WIDTH, 392), title="Confidence and accuracy", describe=described)
    rows = [[percent(confidence), percent(accuracy), number(count)] for confidence, accuracy, count in info.bins]
    body = table(["confidence", "accuracy", "examples"], rows, texts=0, caption="Confidence and accuracy")
    return join([image, tag("details", [tag("summary", "Numbers"), body])])
