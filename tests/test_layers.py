"""Imports go down, never sideways, never up; imports inside functions and for types count too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "trainwell"

# Top to bottom. Modules of one layer do not import each other.
LAYERS = [
    {"cli"},
    {"web"},
    {"report"},
    {"lab"},
    {"doctor"},
    {"search"},
    {"monitor"},
    {"inference", "inspect"},
    {"population"},
    {"fitting"},
    {"data", "nn", "tasks", "optim", "train", "probes", "rules", "repairs", "explain", "cost", "runs"},
    {"recipe"},
    {"core"},
]
HEIGHT = {room: len(LAYERS) - number for number, rooms in enumerate(LAYERS) for room in rooms}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(source: str) -> set[str]:
    """Names of every module imported anywhere in a source, however deep."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "trainwell"}


def violations(room: str, source: str) -> list[str]:
    wrong = []
    for name in imports(source):
        target = room_of(name)
        if target in HEIGHT and target != room and HEIGHT[target] >= HEIGHT[room]:
            wrong.append(f"{room} imports {name}")
    return wrong


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_lies_below_its_room(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    assert room in HEIGHT, f"{room} is not in the layer list"
    assert violations(room, path.read_text()) == []


def test_the_check_sees_a_violation_inside_a_function() -> None:
    assert violations("core", "def f():\n    from trainwell.train.loop import train\n") == [
        "core imports trainwell.train.loop.train"
    ]
    assert violations("rules", "if TYPE_CHECKING:\n    from trainwell.probes import x\n")


@pytest.mark.parametrize("room", ["core", "recipe", "rules", "repairs", "runs"])
def test_a_room_without_torch_stays_without_torch(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.parse(path.read_text()).body:  # module level only: type-only blocks are not executed
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                assert not any(name.split(".")[0] == "torch" for name in names), path
