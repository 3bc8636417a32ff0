"""Every Python block of the documents runs, in its order, in a temporary folder.

Blocks of one document share their names. `<!-- setup: code -->` above a block prepares what the text takes for granted
(a network, arrays, a loader); `<!-- no-run: reason -->` exempts a block, which must still compile.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from tests.documents import CURRENT, ROOT, Block, blocks

WITH_CODE = [path for path in CURRENT if any(block.language == "python" for block in blocks(path))]


@pytest.mark.parametrize("path", WITH_CODE, ids=[str(path.relative_to(ROOT)) for path in WITH_CODE])
def test_the_python_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for block in blocks(path):
            if block.language != "python":
                continue
            code = compile(block.text, f"{path.name}, block in line {block.line}", "exec")
            if block.comment("no-run") is None:
                exec(compile(block.comment("setup") or "", "setup", "exec"), names)
                exec(code, names)


@pytest.mark.parametrize("path", WITH_CODE, ids=[str(path.relative_to(ROOT)) for path in WITH_CODE])
def test_a_block_that_does_not_run_gives_its_reason(path: Path) -> None:
    exempt = [block for block in blocks(path) if block.comment("no-run") is not None]
    assert all(len((block.comment("no-run") or "").strip()) > 10 for block in exempt)


def test_comments_above_a_block_belong_to_it(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("Text.\n<!-- setup:\nx = 1\n-->\n```python\ny = x\n```\n\n```\ntrainwell list\n```\n")
    first, second = blocks(file)
    assert first == Block("python", "y = x\n", 5, ("setup:\nx = 1\n",)) and first.comment("setup") == "x = 1"
    assert second.comments == () and second.line == 9 and second.text == "trainwell list\n"
