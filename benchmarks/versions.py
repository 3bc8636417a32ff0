"""Two checkouts side by side: importing, `fit`, `run` and `tune` take no longer than in an earlier version.

Claim: processor time of the new checkout over that of the old one is at most 1.05 for each command.
Commands: `import trainwell` in a fresh process; `trainwell fit digits` (20 epochs); `trainwell run` of a hand-written
loop over an MLP (800 steps), and `trainwell tune digits` (128 configurations, 5 epochs, one process). Each is a process
of its own; the checkouts take turns; time is the processor time of the process and its children, with one thread.
Printed: medians of n rounds and the ratio of each round, its median and range. Hardware: any; the ratio counts.
Usage: python benchmarks/versions.py OLD_CHECKOUT [NEW_CHECKOUT] [--rounds N] [--only NAME]
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
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", default=Path(__file__).parents[1])
    parser.add_argument("--rounds", type=int, help="rounds of every command")
    parser.add_argument("--only", choices=list(COMMANDS))
    options = parser.parse_args()
    old, new = options.old.resolve(), options.new.resolve()
    for checkout in (old, new):
        if not (checkout / "src" / "trainwell").is_dir():
            sys.exit(f"{checkout} must be a checkout of trainwell with src/trainwell. Make one: git worktree add")
    print(f"{'':8}{'old':>9}{'new':>9}  new / old: median (range), n")
    for name, command in COMMANDS.items():
        if options.only not in (None, name):
            continue
        seconds(old, command)  # compiles the byte code
        seconds(new, command)
        pairs = [(seconds(old, command), seconds(new, command)) for _ in range(options.rounds or ROUNDS[name])]
        ratios = [later / earlier for earlier, later in pairs]
        print(
            f"{name:8}{statistics.median(a for a, _ in pairs):8.2f}s{statistics.median(b for _, b in pairs):8.2f}s  "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {len(ratios)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
