"""Sizes and costs that must not grow unnoticed."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "trainwell"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_function_has_at_most_50_lines_and_7_arguments(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert body_lines(node) <= 50, f"{node.name} in line {node.lineno} is too long"
            arguments = node.args
            named = [a.arg for a in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
            count = len([name for name in named if name not in ("self", "cls")])
            # A command's arguments are its options: they are the user's, not a caller's.
            if path.parent.name != "cli":
                assert count <= 7, f"{node.name} in line {node.lineno} takes {count} arguments"


TREES = {name: ast.parse(path.read_text()) for name, path in zip(NAMES, FILES, strict=True)}
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Folders whose files are entries of one kind: they grow by one file per entry.
LEAF_FOLDERS = {"cli", "data/kinds", "data/sources", "lab", "nn/layers", "nn/zoo", "rules", "search/methods", "tasks"}


def test_a_folder_has_at_most_15_files_on_one_level() -> None:
    levels = Counter(str(Path(name).parent) for name in NAMES if not name.endswith("__.py"))
    assert levels["core"] > 0
    assert {folder: count for folder, count in levels.items() if count > 15 and folder not in LEAF_FOLDERS} == {}


def functions(body: Sequence[ast.stmt]) -> Iterator[Function]:
    """Yield the functions of a module and the methods of its classes; not the functions inside a function."""
    for node in body:
        if isinstance(node, Function):
            yield node
        else:
            yield from functions([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])


def handed_on(trees: Iterable[ast.Module]) -> set[str]:
    """Names that are read without being called: whoever receives such a function fixes its arguments."""
    found = set()
    for tree in trees:
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                if id(node) not in called:
                    found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


CALLBACKS = handed_on(TREES.values())
# They override methods whose arguments PyTorch and Python fix.
OVERRIDES = {"forward", "backward", "named_modules", "named_parameters", "find_spec"}


def positional(function: Function) -> list[str]:
    arguments = [argument.arg for argument in function.args.posonlyargs + function.args.args]
    return [name for name in arguments if name not in ("self", "cls")]


def is_free(function: Function) -> bool:
    """Tell whether a function chooses its own arguments: it is no protocol of Python and nobody's callback."""
    protocol = function.name.startswith("__") and function.name != "__init__"
    return not protocol and function.name not in OVERRIDES and function.name not in CALLBACKS


def too_many_positional(tree: ast.Module) -> list[str]:
    return [f.name for f in functions(tree.body) if is_free(f) and len(positional(f)) > 2]


@pytest.mark.parametrize("name", NAMES)
def test_at_most_two_arguments_are_positional(name: str) -> None:
    assert too_many_positional(TREES[name]) == []


def test_the_check_sees_a_third_positional_argument() -> None:
    source = "class A:\n    def __init__(self, a, b, c): ...\n    def __call__(self, a, b, c): ...\nif True:\n"
    source += "    def spread_three(a, b, c):\n        def inner(a, b, c): ...\n    def two(a, b, *, c): ...\n"
    assert too_many_positional(ast.parse(source)) == ["__init__", "spread_three"]


def literal_tuple_assignments(tree: ast.Module) -> list[str]:
    """Assignments `a, b = x, y`, but for those in which a later value reads an earlier target, as a swap does."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Tuple, ast.List)):
            targets = [target.elts for target in node.targets if isinstance(target, (ast.Tuple, ast.List))]
            same = [elements for elements in targets if len(elements) == len(node.value.elts)]
            if any(not reads_an_earlier_target(elements, node.value.elts) for elements in same):
                found.append(ast.unparse(node))
    return found


def reads_an_earlier_target(targets: Sequence[ast.expr], values: Sequence[ast.expr]) -> bool:
    for number, value in enumerate(values):
        earlier = {ast.unparse(target) for target in targets[:number]}
        if any(isinstance(node, ast.expr) and ast.unparse(node) in earlier for node in ast.walk(value)):
            return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_no_values_are_assigned_as_a_literal_tuple(name: str) -> None:
    assert literal_tuple_assignments(TREES[name]) == []


def test_the_check_tells_a_swap_from_an_assignment_of_two_values() -> None:
    source = "a, b = 1, 2\na, b = b, a\na, b = b, a + b\na, b = a, 2\na[i], a[j] = a[j], a[i]\na, b = f()\n"
    assert literal_tuple_assignments(ast.parse(source)) == ["a, b = (1, 2)", "a, b = (a, 2)"]


SECTION = "a section of the recipe: its fields are the user's settings"
UPDATE_RULE = "one field for each setting of [optim] that an update rule reads, by its name"
STORED = "a stored record and public: its fields are those of the JSON of findings"
GROUPED_LATER = "to be grouped"
MORE_THAN_SEVEN_FIELDS = {
    "core/facts.py:Facts": GROUPED_LATER,
    "core/finding.py:Finding": STORED,
    "data/examples.py:Examples": GROUPED_LATER,
    "optim/functional.py:Settings": UPDATE_RULE,
    "optim/functional.py:StepSettings": UPDATE_RULE,
    "recipe/schema.py:Recipe": SECTION,
    "recipe/sections/data.py:DataRecipe": SECTION,
    "recipe/sections/network.py:NetworkRecipe": SECTION,
    "recipe/sections/optim.py:OptimRecipe": SECTION,
    "recipe/sections/train.py:TrainRecipe": SECTION,
    "recipe/sections/transfer.py:TransferRecipe": SECTION,
}


def fields(node: ast.ClassDef) -> list[str]:
    """Names of the constructor's arguments of a dataclass or NamedTuple; none of any other class."""

    def name_of(expression: ast.expr) -> str:
        called = expression.func if isinstance(expression, ast.Call) else expression
        return ast.unparse(called).rpartition(".")[2]

    generated = "dataclass" in map(name_of, node.decorator_list) or "NamedTuple" in map(name_of, node.bases)
    found = []
    for statement in node.body if generated else []:
        kinds = ("ClassVar", "KW_ONLY")
        if isinstance(statement, ast.AnnAssign) and not ast.unparse(statement.annotation).startswith(kinds):
            value = statement.value
            options = {k.arg: ast.unparse(k.value) for k in value.keywords} if isinstance(value, ast.Call) else {}
            if options.get("init") != "False":
                found.append(ast.unparse(statement.target))
    return found


def test_a_generated_constructor_has_at_most_7_arguments() -> None:
    classes = [
        (f"{name}:{node.name}", len(fields(node)))
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    wide = {name for name, count in classes if count > 7}
    assert len([name for name, count in classes if count]) > 100, "dataclasses and NamedTuples are not recognised"
    assert wide - set(MORE_THAN_SEVEN_FIELDS) == set()
    assert set(MORE_THAN_SEVEN_FIELDS) - wide == set(), "no longer an exception"


def test_the_loop_has_at_most_40_lines() -> None:
    tree = ast.parse((PACKAGE / "train" / "loop.py").read_text())
    (loop,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert body_lines(loop) <= 40


def test_at_most_two_frames_lie_between_fit_and_backward(tmp_path: Path) -> None:
    from torch import nn

    import trainwell as tw

    stacks = []
    ours = str(Path(tw.__file__).parent)  # not a name in the path: the clone may lie in any folder

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            if self.training:
                stacks.append([frame.name for frame in traceback.extract_stack() if frame.filename.startswith(ours)])
            return self.head(x)

    tw.fit("iris", Net(), epochs=1, runs=tmp_path)
    # The loop has the task call the network, and calls backward itself: between it and `fit` lies one frame.
    assert stacks[0] == ["fit", "_run", "train", "forward"]


def test_importing_trainwell_is_cheap_and_brings_no_torch() -> None:
    code = (
        "import sys, time; begun = time.process_time(); import trainwell; print(time.process_time() - begun); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )

    def seconds() -> float:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0
        return float(done.stdout)

    # Processor time: what other programs take of the clock is not ours.
    assert any(seconds() < 0.15 for _ in range(5)), "import trainwell takes more than 150 ms"


def test_no_two_classes_have_the_same_name() -> None:
    places: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
