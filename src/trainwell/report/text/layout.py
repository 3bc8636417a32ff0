"""Plain text of at most 80 columns: wrapped paragraphs, columns, and pairs of a name and a value."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

WIDTH = 80


def wrapped(text: str, *, indent: str = "", later: str = "") -> str:
    """Break a paragraph at 80 columns; commands and file names are never broken.

    Args:
        text: the paragraph.
        indent: before its first line.
        later: before the following lines; by default as the first, or two spaces where that has none.
    """
    later = later or indent or "  "
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Write rows below each other, the first column flush left, the others flush right.

    >>> print(columns([["", "test"], ["accuracy", "0.9"]]))
              test
    accuracy   0.9
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Write names and values below each other; values are never broken, so that commands can be copied."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)
