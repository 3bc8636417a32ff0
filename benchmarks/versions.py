"""Two versions side by side: importing, `fit`, `run` and `tune` take no longer than in an earlier version.

Claim: processor time of this version over that of the earlier one is at most 1.05 for each command.
Command: python benchmarks/versions.py [COMMIT or CHECKOUT] [--rounds N] [--only NAME]
Hardware: any; the ratio counts.
n: medians of 15 rounds of the import, 5 of `fit` and `run`, 3 of `tune`; the range is printed.

`import trainwell` in a fresh process; `trainwell fit digits` (20 epochs); `trainwell run` of a loop by hand over an
MLP (800 steps); `trainwell tune digits` (128 configurations, 5 epochs, one process). Each is a process of its own, with
one thread; the versions take turns; time is the processor time of the process and its children.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[1]
BEFORE = "101eb84"  # before the rooms were moved, see docs/decisions/0013-journeys.md
SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(1024, 64)
y = (x @ torch.randn(64, 10)).argmax(1)
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for step in range(800):
    rows = torch.randint(0, 1024, (128,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
TRAINWELL = [sys.executable, "-m", "trainwell"]
COMMANDS = {
    "import": [sys.executable, "-c", "import trainwell"],
    "fit": [*TRAINWELL, "fit", "digits", "--epochs", "20", "--quiet"],
    "run": [*TRAINWELL, "run", "train.py"],
    "tune": [*TRAINWELL, "tune", "digits", "--trials", "128", "--epochs", "5", "--workers", "1", "--quiet"],
}
ROUNDS = {"import": 15, "fit": 5, "run": 5, "tune": 3}


def seconds(checkout: Path, command: list[str]) -> float:
    """Run a command with the package of a checkout, in an empty folder; return its processor time."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "train.py").write_text(SCRIPT)
        environment = os.environ | {"PYTHONPATH": str(checkout / "src"), "OMP_NUM_THREADS": "1"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command[1:])} in {checkout.name} exits with {done.returncode}:\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Time every command in both checkouts by turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", nargs="?", default=BEFORE, help="commit or checkout to compare with")
    parser.add_argument("--rounds", type=int, help="rounds of every command")
    parser.add_argument("--only", choices=list(COMMANDS))
    options = parser.parse_args()
    if Path(options.old, "src", "trainwell").is_dir():
        compare(Path(options.old).resolve(), options)
        return
    git = ["git", "-C", str(HERE)]
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder, "old")
        made = subprocess.run(
            [*git, "worktree", "add", "--detach", str(old), options.old], capture_output=True, text=True
        )
        if made.returncode:
            sys.exit(f"{options.old} must be a commit or a checkout of trainwell: {made.stderr.strip()}")
        try:
            compare(old, options)
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(old)], check=True)


def compare(old: Path, options: argparse.Namespace) -> None:
    """Print the times of every command."""
    print(f"{'':8}{'old':>9}{'new':>9}  new / old: median (range), n")
    for name, command in COMMANDS.items():
        if options.only not in (None, name):
            continue
        seconds(old, command)  # compiles the byte code
        seconds(HERE, command)
        pairs = [(seconds(old, command), seconds(HERE, command)) for _ in range(options.rounds or ROUNDS[name])]
        ratios = [later / earlier for earlier, later in pairs]
        print(
            f"{name:8}{statistics.median(a for a, _ in pairs):8.2f}s{statistics.median(b for _, b in pairs):8.2f}s  "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {len(ratios)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
