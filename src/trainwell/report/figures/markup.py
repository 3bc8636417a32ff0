"""HTML from Python: `tag` makes an element and escapes everything that is not an element yet."""

from __future__ import annotations

import html
from collections.abc import Iterable

from trainwell.report.text.words import printable

_VOID = frozenset({"meta", "img", "br", "link", "hr"})


class Markup(str):
    """Text that is HTML already; every other string is escaped when it becomes part of an element."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
Attribute = str | int | float | None


def escape(text: object) -> Markup:
    """Turn a text into HTML that shows it, without control characters.

    >>> escape("<b>")
    '&lt;b&gt;'
    """
    return Markup(html.escape(printable(text, limit=100_000, lines=True)))


def join(children: Child) -> Markup:
    """Put children one after the other; None leaves nothing."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str | int):
        return escape(children)
    return Markup("".join(join(child) for child in children))


def tag(name: str, children: Child = None, /, **attributes: Attribute) -> Markup:
    """Make one element of HTML or SVG.

    Args:
        name: name of the element.
        children: text (escaped), elements, or any nesting of them.
        **attributes: `class_` writes class, `stroke_width` writes stroke-width; None leaves the attribute out.

    >>> tag("p", ["1 < 2 ", tag("b", "yes")], class_="note")
    '<p class="note">1 &lt; 2 <b>yes</b></p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{join(children)}</{name}>")


def table(heads: Iterable[str], rows: Iterable[Iterable[Child]], *, texts: int = 1, caption: str = "") -> Markup:
    """Make a table that scrolls inside its own box when the window is narrow.

    Args:
        heads: column titles.
        rows: cells of each row; the first is the row's title.
        texts: how many of the first columns are text; the others are numbers and end flush right.
        caption: what the table shows, for screen readers.
    """

    def cell(index: int, child: Child, *, head: bool = False) -> Markup:
        scope = "col" if head else "row" if index == 0 else None
        return tag("th" if scope else "td", child, scope=scope, class_=None if index < texts else "n")

    header = tag("tr", [cell(index, head, head=True) for index, head in enumerate(heads)])
    body = [tag("tr", [cell(index, child) for index, child in enumerate(row)]) for row in rows]
    name = tag("caption", caption, class_="unseen") if caption else None
    inner = tag("table", [name, tag("thead", header), tag("tbody", body)])
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption or "table")
