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


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if not path.name.startswith("__")  # a package's `__init__` is its table of contents: it names what lies below
}


def arrows() -> set[tuple[str, str]]:
    """Every import from module to module or package, without the leading `trainwell`."""
    found = set()
    for module, path in MODULES.items():
        for name in imports(path.read_text()):
            target = name.partition(".")[2]
            if target not in MODULES:
                target = target.rpartition(".")[0]  # a name inside a module or a package
            if target and target != module:
                found.add((module, target))
    return found


def mutual_pairs(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Files or folders of one folder that import each other, and folders that import from one above and back.

    >>> sorted(mutual_pairs({("a.b.x", "a.c.y"), ("a.c.z", "a.b.w")}))
    [('a.b', 'a.c')]
    >>> sorted(mutual_pairs({("a.x", "a.b.y"), ("a.b.z", "a.w")}))
    [('a', 'a.b')]
    """
    folders = {folder_of(module) for arrow in found for module in arrow if folder_of(module)}
    between = set()
    for source, target in found:
        parts, others = source.split("."), target.split(".")
        shared = 0
        while shared < min(len(parts), len(others)) and parts[shared] == others[shared]:
            shared += 1
        between.add((".".join(parts[: shared + 1]), ".".join(others[: shared + 1])))
        folder, other = folder_of(source), target if target in folders else folder_of(target)
        if other.startswith(folder + ".") or folder.startswith(other + "."):
            between.add((folder, other))
    return {(one, other) for one, other in between if one < other and (other, one) in between}


def folder_of(module: str) -> str:
    return module.rpartition(".")[0]


def test_no_files_or_folders_import_each_other() -> None:
    assert sorted(mutual_pairs(arrows())) == []


def test_the_search_for_pairs_sees_siblings_and_parents() -> None:
    assert mutual_pairs({("a.b.x", "a.c.y"), ("a.c.z", "a.b.w")}) == {("a.b", "a.c")}
    assert mutual_pairs({("a.b.x", "a.d.b.y"), ("a.d.b.z", "a.b.w")}) == {("a.b", "a.d")}
    assert mutual_pairs({("a.b", "a.c"), ("a.c", "a.d"), ("a.d", "a.b")}) == set()
