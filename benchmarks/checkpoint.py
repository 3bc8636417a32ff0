"""Checkpoint cost: saving and loading 100 MB, with hashes and fsync.

Claim: `save_checkpoint` (hashes, manifest, fsync of every file and folder, rename, retention) and `load_checkpoint`
    (every byte verified before use) of a model of 100 MB in 26 tensors each take less than 1 s.
Command: python benchmarks/checkpoint.py [rounds]
Hardware: 2 cores, ext4 on a virtual disk.
n: median of 15 interleaved rounds in one process.

The ratios are to plain `torch.save` and `torch.load`, which neither fsync nor detect a flipped bit, and to
`torch.save` with an fsync.
Measured (torch 2.13): save 0.13 s, 1.4x torch.save with an fsync; verify and load 0.15 s.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from trainwell.train.checkpoint import load_checkpoint, save_checkpoint

BUDGET = 1.0  # seconds


def torch_save(path: Path, state: object, *, fsync: bool) -> None:
    with open(path, "wb") as file:
        torch.save(state, file)
        if fsync:
            file.flush()
            os.fsync(file.fileno())


def main(rounds: int) -> None:
    state = {"model": {f"layers.{number}.weight": torch.randn(1000, 1000) for number in range(25)}}
    state["model"]["step"] = torch.tensor(0)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "checkpoints"), Path(folder, "plain.pt")
        steps = iter(range(rounds + 1))
        actions: dict[str, Callable[[], object]] = {
            "save_checkpoint": lambda: save_checkpoint(ours, state, step=next(steps)),
            "torch.save": lambda: torch_save(theirs, state, fsync=False),
            "torch.save + fsync": lambda: torch_save(theirs, state, fsync=True),
            "load_checkpoint": lambda: load_checkpoint(ours),
            "torch.load": lambda: torch.load(theirs, weights_only=True),
        }
        seconds: dict[str, list[float]] = {name: [] for name in actions}
        for number in range(rounds + 1):
            for name, action in actions.items():
                start = time.perf_counter()
                action()
                if number:  # the first round warms up
                    seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"100 MB, {os.cpu_count()} cores, torch {torch.__version__}, n={rounds}, medians")
    for name, value in median.items():
        print(f"{name:<20} {value:6.3f} s   slowest {max(seconds[name]):.3f} s")
    print(f"save / torch.save         {median['save_checkpoint'] / median['torch.save']:.2f}x")
    print(f"save / torch.save + fsync {median['save_checkpoint'] / median['torch.save + fsync']:.2f}x")
    print(f"load / torch.load         {median['load_checkpoint'] / median['torch.load']:.2f}x")
    kept = median["save_checkpoint"] < BUDGET and median["load_checkpoint"] < BUDGET
    print("the claim holds" if kept else "THE CLAIM DOES NOT HOLD")
    sys.exit(not kept)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
