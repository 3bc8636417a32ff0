"""Start-up time.

Claim: help under 0.3 s, `import trainwell` under 0.15 s (no torch), first step on digits under 3 s, first step on
    60,000 idx images of Fashion-MNIST under 5 s.
Command: python benchmarks/start.py [rounds]
Hardware: 2 cores.
n: median of the given number of fresh processes.

Every figure is also printed as a ratio to `import torch` in the same run. Fashion-MNIST is skipped without
../shared/data/fashion-mnist.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FASHION = Path(__file__).parents[2] / "shared" / "data" / "fashion-mnist"
FIRST_STEP = """
import os, sys, trainwell as tw
from trainwell.fitting.fit import Silent
class First(Silent):
    def step(self, step, epoch):
        os._exit(0)
tw.fit(sys.argv[1], runs=sys.argv[2], display=First())
"""


def seconds(*command: str) -> float:
    """Run a command in a fresh process and return its wall time."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "python -c pass": (("-c", "pass"), None),
            "import torch": (("-c", "import torch"), None),
            "import trainwell": (("-c", "import trainwell"), 0.15),
            "trainwell --help": (("-m", "trainwell", "--help"), 0.3),
            "fit digits, first step": (("-c", FIRST_STEP, "digits", folder), 3.0),
        }
        if FASHION.is_dir():
            cases["fit fashion-mnist, first step"] = (("-c", FIRST_STEP, str(FASHION), folder), 5.0)
        else:
            print("fashion-mnist: skipped: ../shared/data/fashion-mnist does not exist")
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, (command, _) in cases.items():
                times[name].append(seconds(*command))
    torch = statistics.median(times["import torch"])
    for name, (_, limit) in cases.items():
        median = statistics.median(times[name])
        claim = "" if limit is None else f"  claim < {limit} s: {'kept' if median < limit else 'BROKEN'}"
        print(f"{name:<32} {median:6.3f} s  {median / torch:5.2f} x import torch{claim}")


if __name__ == "__main__":
    main()
