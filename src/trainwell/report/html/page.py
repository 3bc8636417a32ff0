"""The report: one HTML file that needs no network, no script and no server."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from trainwell.core.files import atomic_write, storage_errors
from trainwell.report.figures.markup import Child, Markup, join, tag
from trainwell.report.html import sections
from trainwell.report.text.snapshot import Snapshot, snapshot
from trainwell.report.text.verdict import facts_line, headline, verdict
from trainwell.report.text.words import printable, unbroken
from trainwell.runs import Run

REPORT = "report.html"
_STATES = {
    "ok": "finished",
    "failed": "failed",
    "interrupted": "interrupted",
    "killed": "ended without a word",
    "running": "still training",
}
_SECTIONS: tuple[tuple[str, Callable[[Snapshot], Markup | None]], ...] = (
    ("Findings", sections.findings),
    ("Scores", sections.scores),
    ("Curves", sections.curves),
    ("Predictions", sections.classes),
    ("Worst mistakes", sections.mistakes),
    ("Data", sections.data),
    ("Network", sections.network),
    ("Recipe", sections.recipe),
    ("What next", sections.how),
    ("Reproduce", sections.environment),
)
# What a foreign or damaged run may raise when a section reads it; such a section is left out with a remark.
_UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, ZeroDivisionError)


@functools.cache
def style() -> str:
    """Return the style sheet of the report."""
    return resources.files("trainwell.report.html").joinpath("page.css").read_text(encoding="utf-8")


@functools.cache
def policy(sheet: str = "") -> str:
    """Return the content security policy: nothing but this very style sheet and pictures within the page."""
    digest = base64.b64encode(hashlib.sha256((sheet or style()).encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def write_report(run: Run) -> Path:
    """Write the report of a run into its folder, whole or not at all.

    Returns:
        the file, `report.html`.
    Raises:
        StorageError: the run cannot be read, or the disk refuses.
    """
    path = run.path / REPORT
    page = render(snapshot(run))
    with storage_errors(f"Writing the report {path}", run.path):
        atomic_write(path, page)
    return path


def render(shot: Snapshot) -> str:
    """Return the whole page as text.

    >>> render(Snapshot("a<b", Path("runs/a"))).count("a&lt;b") > 0
    True
    """
    drawn = [(name, content) for name, make in _SECTIONS if (content := _attempt(make, shot)) is not None]
    body = [_head(shot), _contents([name for name, _ in drawn]), *(_section(name, content) for name, content in drawn)]
    return complete(f"{headline(shot)} · {printable(shot.name)}", body)


def complete(title: str, body: Sequence[Markup], *, sheet: str = "") -> str:
    """Return a page with a title and a body as one file that loads nothing; `sheet` stands for the usual style."""
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(sheet)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(sheet or style())),
    ]
    foot = tag("footer", "Written by trainwell. This page is complete: it loads nothing from anywhere.")
    html = tag("html", [tag("head", head), tag("body", [tag("main", body), foot])], lang="en")
    return f"<!doctype html>\n{html}\n"


def _attempt(make: Callable[[Snapshot], Markup | None], shot: Snapshot) -> Markup | None:
    try:
        return make(shot)
    except _UNREADABLE as problem:
        return tag("p", f"This part of the run cannot be read ({type(problem).__name__}).", class_="quiet")


def _head(shot: Snapshot) -> Markup:
    judged = verdict(shot)
    facts = [tag("div", [tag("dt", name), tag("dd", value)]) for name, value in facts_line(shot)]
    day = printable(shot.created)[:16].replace("T", " ")
    above = [
        tag("span", printable(shot.name), class_="name"),
        tag("span", _STATES.get(shot.status, "")),
        tag("span", day),
    ]
    notes: Child = [tag("li", unbroken(note)) for note in judged.notes]
    return tag(
        "header",
        [
            tag("p", above, class_="above"),
            tag("h1", judged.headline),
            tag("p", unbroken(judged.sentence), class_=f"verdict {judged.tone}"),
            tag("ul", notes, class_="notes") if judged.notes else None,
            tag("dl", facts, class_="facts") if facts else None,
        ],
    )


def _contents(names: list[str]) -> Markup:
    links = [tag("li", tag("a", name, href=f"#{_anchor(name)}")) for name in names]
    return tag("nav", tag("ul", links), aria_label="Contents")


def _section(name: str, content: Markup) -> Markup:
    title = tag("h2", name)
    return tag("section", join([title, content]), id=_anchor(name), aria_label=name)


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
