"""A script is stopped after its first steps, and what was seen is judged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from trainwell.core.errors import UsageError
from trainwell.doctor import check_script

SCRIPT = """
import torch
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(LAST):
    optimizer.zero_grad()
    model(torch.randn(8, 3)).square().mean().backward()
    optimizer.step()
print("end", flush=True)
"""
DRIVER = """
import json, sys
from trainwell.doctor import check_script
seen = check_script(sys.argv[1])
print(json.dumps([seen.exit_code, seen.steps, seen.run]))
"""


@pytest.mark.parametrize(("last", "steps", "ended"), [(100000, 20, False), (5, 5, True)])
def test_a_long_script_is_stopped_and_a_short_one_ends_by_itself(tmp_path, last, steps, ended) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.replace("LAST", str(last)))
    done = subprocess.run([sys.executable, "-c", DRIVER, script], capture_output=True, text=True, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert json.loads(lines[-1]) == [0, steps, None], done.stderr
    assert ("end" in lines) is ended and list(tmp_path.iterdir()) == [script]


BARE = """
import torch
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(3000):
    try:
        optimizer.zero_grad()
        model(torch.randn(8, 3)).square().mean().backward()
        optimizer.step()
    except:
        pass
print("end", flush=True)
"""


def test_a_bare_except_cannot_hold_a_script(tmp_path) -> None:
    (tmp_path / "train.py").write_text(BARE)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, tmp_path / "train.py"], capture_output=True, text=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == [0, 22, None], done.stderr


def test_a_script_that_fails_keeps_its_exit_code(tmp_path) -> None:
    script = tmp_path / "train.py"
    script.write_text("raise SystemExit(7)")
    done = subprocess.run([sys.executable, "-c", DRIVER, script], capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [7, 0, None], done.stderr


def test_no_script_is_said(tmp_path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        check_script(str(tmp_path / "nowhere.py"))
