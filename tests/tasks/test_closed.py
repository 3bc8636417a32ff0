"""Nobody outside tasks/ compares the name of a task: a new task is one file and one line of the catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwell.core.contracts.task import Task
from trainwell.core.targets import NUMBERS, TargetFacts
from trainwell.fitting import gather, plan
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks import TASKS, Regress, suitable

PACKAGE = Path(__file__).parents[2] / "src" / "trainwell"
OUTSIDE = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "tasks"]
_METHODS = ("startswith", "endswith", "index", "count", "get", "pop", "setdefault")


def _is_name(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value in TASKS


def comparisons(source: str) -> Iterator[str]:
    """Yield every place where a name of a task decides something."""
    for node in ast.walk(ast.parse(source)):
        found = False
        if isinstance(node, ast.Compare):  # name == "classify", "classify" in names
            found = any(map(_is_name, (node.left, *node.comparators)))
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):  # name in ("classify", "binary")
            found = any(map(_is_name, node.elts))
        elif isinstance(node, ast.Dict):  # {"classify": ...}[name]
            found = any(map(_is_name, node.keys))
        elif isinstance(node, ast.Subscript):  # table["classify"]
            found = _is_name(node.slice)
        elif isinstance(node, ast.MatchValue):  # case "classify"
            found = _is_name(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # name.startswith("one_vs_")
            called = node.func.attr in _METHODS
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            is_start = any(len(text) > 3 and name.startswith(text) for text in texts for name in TASKS)
            found = called and (any(map(_is_name, node.args)) or (node.func.attr == "startswith" and is_start))
        if found:
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_compares_the_name_of_a_task(path: Path) -> None:
    assert list(comparisons(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        'task.name == "classify"',
        'if "regress" != name: pass',
        'NAMES = ("binary", "other")',
        '{"regress": 0.5}.get(name, 1.0)',
        'limits["multilabel"]',
        'name.startswith("one_vs")',
        'names.index("binary")',
        'match name:\n    case "classify":\n        pass',
    ],
)
def test_the_check_sees_a_comparison(source: str) -> None:
    assert comparisons_of(source)
    for name in (*TASKS, "one_vs"):
        source = source.replace(name, "x")
    assert not comparisons_of(source)


def comparisons_of(source: str) -> list[str]:
    return list(comparisons(source))


def test_label_smoothing_stands_in_three_places() -> None:
    files = [str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if _speaks_of(path, "label_smoothing")]
    assert set(files) <= {"recipe/sections/task.py", "recipe/defaults.py", "tasks/classify.py"}


def _speaks_of(path: Path, setting: str) -> bool:
    """Tell whether a file names a setting of the recipe; torch's own argument of that name is not it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == setting:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.split(".")[-1] == setting:
            return True
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == setting:
            return True
    return False


class Twice(Task):
    """Regression of numbers that are learned doubled: a task from outside the package."""

    name = "twice"
    main_score = "r2"
    target_type = NUMBERS
    is_numeric = True

    def __init__(self) -> None:
        self.inner = Regress()
        self.count = 1
        self.labels = ()

    @classmethod
    def build(cls, recipe: TaskRecipe, targets: TargetFacts) -> Twice:
        return cls()

    @classmethod
    def fit_targets(cls, targets, labels) -> TargetFacts:
        return TargetFacts(1)

    @property
    def outputs(self) -> int:
        return 1

    def prepare_targets(self, targets):
        return 2 * targets

    def restore_targets(self, targets):
        return targets / 2

    def losses(self, outputs, batch):
        return self.inner.losses(outputs, batch)

    def chance_loss(self, targets) -> float:
        return self.inner.chance_loss(targets)

    def tally(self):
        return self.inner.tally()

    def predict(self, outputs):
        return self.inner.predict(outputs)


def test_a_task_from_outside_is_one_class_and_one_line(tmp_path, monkeypatch) -> None:
    import trainwell as tw

    monkeypatch.setattr(TASKS, "_entries", dict(TASKS))  # so that the line is taken back afterwards
    TASKS.register(Twice.name, Twice)
    assert suitable(NUMBERS, 1) == ("regress", "twice")
    assert plan(gather("diabetes", {"task.name": "twice"})).recipe.task.name == "twice"
    run = tw.fit("diabetes", epochs=2, edits={"task.name": "twice"}, runs=tmp_path)
    assert (run.status, run.task) == ("ok", "twice")
    assert run.facts.numeric_target and "r2" in run.scores["test"]
    assert len(tw.predict(run, "diabetes").values) == 442
    said = tw.open_run(run.path).events()
    assert {"data", "mistakes"} <= {event.kind for event in said}
