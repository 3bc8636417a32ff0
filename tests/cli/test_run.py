from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainwell.cli.main import app
from trainwell.runs import Run

SCRIPT = """
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(256, 8), torch.randint(0, 3, (256,)))
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(data, 32, num_workers=1, multiprocessing_context="spawn"):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print("arguments", sys.argv[1:])
    sys.exit(5)


if __name__ == "__main__":
    main()
"""


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trainwell", "run", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def test_a_script_is_run_watched_and_judged(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    done = _run(tmp_path, "--runs", "kept", "--json", "--name", "first", "train.py", "--json", "--debug", "-x")
    assert done.returncode == 5
    *printed, last = done.stdout.splitlines()
    assert [line for line in printed if line] == ["arguments ['--json', '--debug', '-x']"]
    data = json.loads(last)
    assert data.keys() == {"run", "exit_code", "findings", "overhead_fraction", "seconds"}
    assert (data["exit_code"], data["run"]) == (5, "kept/first")
    assert data["findings"][0]["rule"] == "missing_zero_grad"
    said, *diagnosis = done.stderr.splitlines()
    assert said.startswith("trainwell: error: Gradients accumulate")
    text = "\n".join(diagnosis)
    number = SCRIPT.splitlines().index("        loss.backward()") + 1
    assert f"train.py:{number}:  loss.backward()" in text
    assert "repair: Call `optimizer.zero_grad()` before each `loss.backward()`." in text
    assert "1 problem found in 8 steps" in text
    opened = Run.open(tmp_path / "kept" / "first")
    assert (opened.status, opened.reason) == ("failed", "exit code 5")
    assert (opened.path / "report.html").exists()


def test_an_error_is_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "train.py").write_text(
        "import torch\nimport torch.nn.functional as F\nhead = torch.nn.Linear(2, 2)\n"
        "F.cross_entropy(head(torch.ones(4, 2)), torch.full((4,), 2))\n"
    )
    done = _run(tmp_path, "-m", "package.train")
    plain = subprocess.run([sys.executable, "-m", "package.train"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    trace = plain.stderr[plain.stderr.index('  File "' + str(tmp_path)) :]  # runpy's own frames come before
    assert trace in done.stderr
    assert "site-packages/trainwell" not in done.stderr
    assert "Class label 2 is out of range: the network has no output for it." in done.stderr
    assert "package/train.py:4:  F.cross_entropy" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.py"], "cannot be read"),
        (["-m", "no.such.module"], "there is none"),
        (["-m"], "must be followed by"),
        (["--jsn", "train.py"], "got --jsn. Did you mean --json?"),
        (["--runs", "kept", "-x", "train.py"], "got -x. Options of the script"),
        (["--budget", "much", "train.py"], "--budget must be"),
        (["--budget", "200%", "train.py"], "--budget must be"),
    ],
)
def test_requests_that_cannot_be_met(tmp_path: Path, monkeypatch, arguments: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["run", *arguments])
    assert said in str(result.exception)
    assert list(tmp_path.iterdir()) == []


DISTRIBUTED = """
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
torch.manual_seed(dist.get_rank())
for _ in range(8):
    loss = F.cross_entropy(model(torch.randn(32, 8)), torch.randint(0, 3, (32,)))
    loss.backward()
    optimizer.step()
print(sum(p.sum().item() for p in model.parameters()))
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_of_several_ranks_the_first_is_watched(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(DISTRIBUTED)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "-m",
        "trainwell",
        "run",
        "train.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert len(set(done.stdout.split())) == 1
    assert done.stderr.count("problem found") == 1
    assert len(list((tmp_path / "runs").iterdir())) == 1
    opened = Run.open(next((tmp_path / "runs").iterdir()))
    assert opened.findings[0].rule == "missing_zero_grad"
    assert "grad/norm/0.weight" in opened.signals()


@pytest.mark.slow
def test_a_compiled_network_is_compiled_once(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import torch, torch.nn.functional as F\nfrom torch import nn\nimport torch._dynamo\n"
        "model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))\nnet = torch.compile(model)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for _ in range(40):\n    loss = F.cross_entropy(net(torch.randn(32, 8)), torch.randint(0, 3, (32,)))\n"
        "    loss.backward()\n    optimizer.step()\n"
        "print(torch._dynamo.utils.counters['stats']['unique_graphs'])\n"
    )
    done = _run(tmp_path, "train.py")
    assert done.stdout.split() == ["1"]
    assert "missing_zero_grad" in done.stderr
    assert "UserWarning" not in done.stderr


TINY = """
import atexit, io, os, sys, torch
model = torch.nn.Linear(8, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    model(torch.randn(8, 8)).square().mean().backward()
    optimizer.step()
"""
ENDS = {
    "late": "atexit.register(lambda: print('bye'))",
    "no newline": "sys.stdout.write('no newline')",
    "none": "sys.stdout = sys.stderr = None",
    "closed": "sys.stdout.close(); sys.stderr.close()",
    "closed below": "os.close(1); os.close(2)",
    "redirected": "sys.stdout = open(os.devnull, 'w'); os.chdir('/')",
    "no flush": "class Tee:\n    write = sys.stdout.write\nsys.stdout = Tee()",
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_a_script_does_to_its_streams_ours_are_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(f"{TINY}\n{ENDS[name]}\nsys.exit(5)")
    done = _run(tmp_path, "--name", "a", "--json", "train.py")
    assert done.returncode in (5, 120 if name in ("no flush", "closed below") else 5)  # 120: Python could not flush
    data = json.loads(done.stdout.splitlines()[-1])
    assert (data["run"], data["exit_code"]) == ("runs/a", 5)
    assert "in 4 steps" in done.stderr and "internal" not in done.stderr
    assert Run.open(tmp_path / "runs" / "a").steps == 4


def test_debug_before_the_script_is_ours(process, tmp_path: Path) -> None:
    _, err = process("run", "--runs", "kept", "--debug", "absent.py", "--debug").communicate(timeout=60)
    assert "Traceback" in err and "cannot be read" in err
