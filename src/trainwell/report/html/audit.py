"""The page of an audit: one HTML file with the images or rows concerned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainwell.core.files import atomic_write, storage_errors
from trainwell.core.finding import Severity, folded
from trainwell.data import Audit, Examples
from trainwell.explain import data_uri
from trainwell.report.figures.markup import Child, Markup, join, table, tag
from trainwell.report.html.page import complete
from trainwell.report.html.sections import finding as finding_card
from trainwell.report.text.audit import audit_verdict
from trainwell.report.text.words import number, percent, plural, printable, unbroken

_PAIRS = 60
_SUSPECTS = 96
_FEATURES = 100
_CLASSES = 100
_SIDE = 96  # pixels: larger images are thinned out to about this
_COLUMNS = 6  # of a row that are shown


def write_audit(audit: Audit, examples: Examples, *, path: Path) -> Path:
    """Write the page of an audit, whole or not at all.

    Raises:
        StorageError: if the disk refuses.
    """
    with storage_errors(f"Writing the page {path}", path.absolute().parent):
        atomic_write(path, render_audit(audit, examples))
    return path


def render_audit(audit: Audit, examples: Examples) -> str:
    """Return the whole page as text."""
    parts = (
        ("Findings", _findings(audit)),
        ("Sizes", _sizes(audit)),
        ("Duplicates", _duplicates(audit, examples)),
        ("Suspicious labels", _suspects(audit, examples)),
        ("Inputs in numbers", _features(audit)),
        ("Remarks", tag("ul", [tag("li", printable(remark)) for remark in audit.remarks]) if audit.remarks else None),
    )
    title = f"Audit of {printable(audit.data.name)}"
    body = [
        tag("header", [tag("h1", title), tag("p", unbroken(audit_verdict(audit)), class_=f"verdict {_tone(audit)}")])
    ]
    body += [tag("section", join([tag("h2", name), content]), aria_label=name) for name, content in parts if content]
    return complete(title, body)


def _tone(audit: Audit) -> str:
    severities = {finding.severity for finding in audit.findings}
    if Severity.ERROR in severities:
        return "bad"
    return "warning" if Severity.WARNING in severities else "good"


def _findings(audit: Audit) -> Markup:
    if not audit.findings:
        return tag("p", "No problems were found.", class_="quiet")
    return join([finding_card(cause, symptoms) for cause, symptoms in folded(audit.findings)])


def _sizes(audit: Audit) -> Markup:
    rows: list[list[Child]] = [["all", *(number(audit.data.sizes[name]) for name in ("train", "validation", "test"))]]
    rows += [[printable(label), *map(number, n)] for label, n in list(audit.data.class_counts.items())[:_CLASSES]]
    return table(["class", "training", "validation", "test"], rows, caption="Examples of each class and split")


def _features(audit: Audit) -> Markup | None:
    if not audit.data.features:
        return None
    rows = [[printable(f.name), percent(f.missing), *map(number, f[2:])] for f in audit.data.features[:_FEATURES]]
    return table(["input", "missing", "minimum", "mean", "maximum"], rows, caption="Inputs in numbers")


def _duplicates(audit: Audit, examples: Examples) -> Markup | None:
    if not audit.duplicates:
        return None
    shown = sorted(audit.duplicates, key=lambda pair: (pair.agreement == 1.0, -pair.agreement))[:_PAIRS]
    lead = tag(
        "p", f"{plural(len(audit.duplicates), 'pair')}; {len(shown)} are shown, near-duplicates first.", class_="quiet"
    )
    if not examples.kind.is_spatial:
        rows = [_row(examples, row, said=f"{pair.agreement:.4g}") for pair in shown for row in pair[:2]]
        return join([lead, _rows(examples, rows, third="agreement")])
    cards = []
    for pair in shown:
        both = np.concatenate([_thumbnail(examples, pair.first), _thumbnail(examples, pair.second)], axis=1)
        names = f"{printable(str(examples.ids[pair.first]))} = {printable(str(examples.ids[pair.second]))}"
        said = f"{_label(examples, pair.first)} | {_label(examples, pair.second)}"
        cards.append(_card(both, said, small=f"{names}, agreement {pair.agreement:.3f}"))
    return join([lead, tag("div", cards, class_="gallery")])


def _suspects(audit: Audit, examples: Examples) -> Markup | None:
    if not audit.suspects:
        return None
    shown = audit.suspects[:_SUSPECTS]
    lead = tag(
        "p",
        f"{plural(len(audit.suspects), 'label')}, most suspicious first; {len(shown)} are shown. A model "
        "proposed them: look at each example before you change its label.",
        class_="quiet",
    )
    if not examples.kind.is_spatial:
        rows = [_row(examples, s.index, said=f"{printable(s.suggested)} ({percent(s.confidence)})") for s in shown]
        return join([lead, _rows(examples, rows, third="suggested")])
    cards = [
        _card(
            _thumbnail(examples, s.index),
            f"{printable(s.given)} → {printable(s.suggested)}",
            small=f"{printable(str(examples.ids[s.index]))}, {percent(s.confidence)}",
        )
        for s in shown
    ]
    return join([lead, tag("div", cards, class_="gallery")])


def _row(examples: Examples, row: int, *, said: str) -> list[str]:
    cells = [printable(str(examples.ids[row])), _label(examples, row), said]
    (view,) = examples.kind.view(examples.inputs, [row], features=examples.features)
    values = list(view.values.values())[:_COLUMNS]
    return cells + [printable(value, limit=60) if isinstance(value, str) else number(value) for value in values]


def _rows(examples: Examples, rows: Sequence[Sequence[str]], *, third: str) -> Markup:
    names = list(examples.features)[:_COLUMNS] or [f"x{i}" for i in range(len(rows[0]) - 3)]
    return table(["example", "given", third, *map(printable, names)], rows, texts=3, caption="Rows concerned")


def _label(examples: Examples, row: int) -> str:
    if examples.class_numbers is not None:
        return printable(examples.labels[int(examples.class_numbers[row])], limit=40)
    target = examples.targets[row]
    return number(float(target)) if np.ndim(target) == 0 else printable(str(target.tolist()), limit=40)


def _thumbnail(examples: Examples, row: int) -> np.ndarray:
    (view,) = examples.kind.view(examples.inputs, [row])
    image = view.pixels
    assert image is not None  # its kind is spatial
    every = max(1, round(max(image.shape[:2]) / _SIDE))
    return np.ascontiguousarray(image[::every, ::every])


def _card(pixels: np.ndarray, said: str, *, small: str) -> Markup:
    shown = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    image = tag("img", src=data_uri(shown), alt=said)
    return tag("figure", [image, tag("figcaption", [tag("b", said), tag("small", small)])])
