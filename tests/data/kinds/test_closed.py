"""Nobody outside data/kinds and data/sources asks which kind of example it has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwell.data.kinds import KINDS

PACKAGE = Path(__file__).parents[3] / "src" / "trainwell"
INSIDE = ("data/kinds/", "data/sources/", "data/values/")
OUTSIDE = [path for path in sorted(PACKAGE.rglob("*.py")) if not str(path.relative_to(PACKAGE)).startswith(INSIDE)]
CLASSES = {"Table", *(type(kind).__name__ for kind in KINDS.values())}


def questions(source: str) -> Iterator[str]:
    """Yield where a source compares something with a kind's name, or asks for a kind's class."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            sides += [part for side in sides if isinstance(side, ast.Tuple | ast.List | ast.Set) for part in side.elts]
            if any(isinstance(side, ast.Constant) and side.value in KINDS for side in sides):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            asked = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
            if any(name in CLASSES or name.endswith("Preparation") for name in asked):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_asks_for_the_name_of_a_kind(path: Path) -> None:
    assert list(questions(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    ['examples.kind == "image"', 'kind.name in ("table", "array")', "isinstance(raw, Table)", '"image" != kind'],
)
def test_the_check_sees_a_question(source: str) -> None:
    assert len(list(questions(source))) == 1
