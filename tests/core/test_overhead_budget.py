from __future__ import annotations

import ast
from pathlib import Path

import trainwell
from trainwell.core.overhead_budget import OVERHEAD_BUDGET

PACKAGE = Path(trainwell.__file__).parent


def test_the_budget_stands_in_one_place() -> None:
    assert OVERHEAD_BUDGET == 0.02
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                named = (
                    [*node.args.posonlyargs, *node.args.args][-len(node.args.defaults) :] if node.args.defaults else []
                )
                defaults = [
                    *zip(named, node.args.defaults, strict=True),
                    *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
                ]
                for argument, default in defaults:
                    if argument.arg == "budget" and default is not None:
                        assert not isinstance(default, ast.Constant), f"{path}:{node.lineno}"
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "budget":
                assert "0.02" not in ast.unparse(node), f"{path}:{node.lineno}"
