"""A run's files have the names that `runs/names.py` gives, and no other module writes them out."""

from __future__ import annotations

import ast
from pathlib import Path

import trainwell
from trainwell.runs import RunWriter, names

PACKAGE = Path(trainwell.__file__).parent
NAMES = {
    value
    for name, value in vars(names).items()
    if name.isupper() and name not in ("MODEL", "CHECKPOINTS")  # words of other meanings as well
}


def test_a_new_run_has_these_files(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path, "first", recipe_text="seed = 1") as writer:
        pass
    made = {path.name for path in writer.path.iterdir()}
    assert made == {names.STORE, names.RECIPE, names.ENVIRONMENT, names.CHECKPOINTS, names.LOCK}


def test_no_other_module_of_the_readers_of_runs_writes_a_name_out() -> None:
    for room in ("runs", "report", "web", "doctor", "fitting"):
        for path in (PACKAGE / room).rglob("*.py"):
            if path.name == "names.py" and room == "runs":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (isinstance(node, ast.Constant) and node.value in NAMES), f"{path} says {node.value!r}"
