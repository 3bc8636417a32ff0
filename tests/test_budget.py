"""Sizes and costs that must not grow unnoticed."""

from __future__ import annotations

import ast
import subprocess
import sys
import traceback
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
