"""The report of a run: one HTML file that needs no network, no script and no server."""

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
from trainwell.report.text.verdict import facts_line, headline, verdict
from trainwell.report.text.words import STATUSES, printable, unbroken
from trainwell.runs import Run, Snapshot, snapshot
from trainwell.runs.names import REPORT

_SECTIONS: tuple[tuple[str, Callable[[Snapshot], Markup | None]], ...] = (
    ("Findings", sections.findings),
    ("Scores", sections.scores),
    ("Curves", sections.curves),
    ("Predictions", sections.classes),
    ("Largest errors", sections.mistakes),
    ("Data", sections.data),
    ("Network", sections.network),
    ("Recipe", sections.recipe),
    ("Next steps", sections.how),
    ("Environment", sections.environment),
)
# What reading a damaged run may raise; its section is replaced by a remark.
_UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, ZeroDivisionError)


@functools.cache
def sheet_of(*names: str) -> str:
    """Return style sheets of this folder, one after the other."""
    folder = resources.files("trainwell.report.html")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def shared_style() -> str:
    """Return the colours and rules that the report and the live page share."""
    return sheet_of("colours.css", "base.css")


def style() -> str:
    """Return the style sheet of the report."""
    return sheet_of("colours.css", "base.css", "page.css")


@functools.cache
def policy(sheet: str = "") -> str:
    """Return the content security policy: only this style sheet and images inside the page."""
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

    >>> render(Snapshot(Run(Path("runs/a<b")))).count("a&lt;b") > 0
    True
    """
    drawn = [(name, content) for name, make in _SECTIONS if (content := _attempt(make, shot)) is not None]
    body = [_head(shot), _contents([name for name, _ in drawn]), *(_section(name, content) for name, content in drawn)]
    return complete(f"{headline(shot)} · {printable(shot.run.name)}", body)


def complete(title: str, body: Sequence[Markup], *, sheet: str = "") -> str:
    """Return a page with a title and a body as one file that loads nothing.

    Args:
        title: of the page.
        body: its parts.
        sheet: a style sheet instead of the report's.
    """
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(sheet)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(sheet or style())),
    ]
    foot = tag("footer", "Written by trainwell. This page is self-contained: it loads nothing from the network.")
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
    day = printable(shot.run.created)[:16].replace("T", " ")
    above = [
        tag("span", printable(shot.run.name), class_="name"),
        tag("span", STATUSES.get(shot.run.status, "")),
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
