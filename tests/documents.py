"""The documents of the repository, taken apart for the tests that compare them with the package."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(path for path in (ROOT / "docs").rglob("*.md") if "site" not in path.parts)],
    key=lambda path: (path.parent != ROOT, str(path)),
)
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
# What a release changed is history: its paths and commands were true then.
CURRENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
CURRENT_IDS = [str(path.relative_to(ROOT)) for path in CURRENT]


class Block(NamedTuple):
    """A fenced block.

    Args:
        language: what stands behind the fence; empty for commands and output.
        text: the lines between the fences.
        line: number of the opening fence, from 1.
        comments: contents of the HTML comments directly above.
    """

    language: str
    text: str
    line: int
    comments: tuple[str, ...]

    def comment(self, name: str) -> str | None:
        """Return what stands behind `name:` in a comment above, or None."""
        for comment in self.comments:
            if comment.startswith(f"{name}:"):
                return comment.removeprefix(f"{name}:").strip("\n")
        return None


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    pattern = re.compile(
        r"((?:^<!--(?:(?!-->).)*-->\s*?\n)*)^( *)```([\w-]*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL
    )
    text = path.read_text()
    for match in pattern.finditer(text):
        comments = tuple(part.strip(" ") for part in re.findall(r"<!--(.*?)-->", match[1], flags=re.DOTALL))
        indent = len(match[2])
        body = "".join(line[indent:] if line.strip() else line for line in match[4].splitlines(keepends=True))
        yield Block(match[3], body, text.count("\n", 0, match.start(3)) + 1, comments)


def prose(path: Path) -> str:
    """Return a document with its fenced blocks and comments blanked, line for line."""
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    text = re.sub(r"^ *```.*?^ *```", blank, path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"<!--.*?-->", blank, text, flags=re.DOTALL)


class Span(NamedTuple):
    """Inline code: what stands between two backticks, and where."""

    text: str
    line: int


def spans(path: Path) -> Iterator[Span]:
    """Yield the inline code of a document."""
    for number, line in enumerate(prose(path).splitlines(), start=1):
        for text in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
            yield Span(text, number)


def commands(path: Path) -> Iterator[Span]:
    """Yield every `trainwell ...` command of a document, in blocks and in inline code, without its comment."""
    for block in blocks(path):
        if block.language in ("", "console", "sh", "bash"):
            for offset, line in enumerate(block.text.splitlines(), start=1):
                for part in re.split(r";|&&|\s\|\s", line):
                    found = re.match(r"\s*(?:\$ |do )?(trainwell\s.*)", part)
                    if found:
                        yield Span(found[1], block.line + offset)
    for span in spans(path):
        if span.text.startswith("trainwell "):
            yield span


# What documents write for a value of the reader's.
PLACEHOLDERS = {"N": "3", "$s": "0", "m$s": "m0"}


def arguments(command: str) -> list[str]:
    """Split a documented command as a shell would: no comment, first of each alternative, optional parts written out.

    >>> arguments("trainwell audit DATA [--judge fast|network] > page.txt … # looks for duplicates")
    ['audit', 'DATA', '--judge', 'fast']
    """
    text = re.sub(r"\s#\s.*$", "", command.replace("\\|", "|"))
    text = re.sub(r"(?<!\S)(…|\.\.\.|> ?\S+)(?!\S)", "", text)
    text = re.sub(r"(?<!\S)\[(.*?)\](?!\S)", r"\1", text)
    words = [re.sub(r"^([\w.-]+)(\|[\w.-]+)+$", r"\1", word) for word in shlex.split(text)[1:]]
    return [PLACEHOLDERS.get(word, word) for word in words]
