"""Processes that the script spawns: the first is watched, its findings come home, nothing stays behind."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch.multiprocessing

from trainwell.runs import Run
from trainwell.watching import Watched, run_watched
from trainwell.watching.ranks import Ranks

SCRIPT = """
import os
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F

def work(rank, meeting):
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(64, 16)
    for _ in range(30):
        F.cross_entropy(model(x), x[:, :4].argmax(1)).backward()
        optimizer.step()
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, (os.path.abspath("meeting"),), nprocs=2)
"""


def _run(folder: Path) -> tuple[Watched, bool]:
    os.chdir(folder)
    original = torch.multiprocessing.start_processes
    watched = run_watched(
        "train.py", [], is_module=False, runs=folder / "runs", name=None, budget=1.0, say=lambda line: None
    )
    return watched, torch.multiprocessing.start_processes is original


def test_distributed_training_that_is_spawned(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    watched, is_as_before = pool.submit(_run, tmp_path).result()
    assert watched.exit_code == 0 and is_as_before
    assert [finding.rule for finding in watched.findings][0] == "missing_zero_grad"
    assert watched.findings[0].where == ("train.py:16",)
    assert watched.run is not None
    opened = Run.open(watched.run)
    assert (opened.steps, opened.task) == (30, "classify")
    assert len(opened.signals()["loss/train"]) >= 5


def test_nothing_spawned_nothing_reported() -> None:
    ranks = Ranks(source="train.py", budget=0.02)
    original = torch.multiprocessing.start_processes
    ranks.install()
    assert torch.multiprocessing.start_processes is not original
    assert ranks.remove() is None
    assert torch.multiprocessing.start_processes is original
