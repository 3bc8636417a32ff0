"""Processes that the script spawns: the first is watched, its findings come home, nothing stays behind."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch.multiprocessing

from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.monitor import Watched, run_watched
from trainwell.monitor.ranks import Ranks, Report, merged
from trainwell.runs import Run

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
    assert ranks.remove() == []
    assert torch.multiprocessing.start_processes is original


TWICE = """
import torch
import torch.multiprocessing as mp

def train(rank):
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(64, 8)
    for _ in range(30):
        torch.nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()

mp.start_processes(train, nprocs=1, start_method="fork")
mp.start_processes(print, nprocs=1, start_method="fork")
"""


def test_of_two_calls_both_are_reported(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TWICE)
    watched, _ = pool.submit(_run, tmp_path).result()
    assert [finding.rule for finding in watched.findings][0] == "missing_zero_grad"
    assert watched.steps == 30


def test_reports_are_merged_causes_first() -> None:
    hint, error, twin = (
        Finding(rule, severity, "A title.", where=(place,))
        for rule, severity, place in [
            ("slow", Severity.INFO, "a"),
            ("missing_zero_grad", Severity.ERROR, "a"),
            ("missing_zero_grad", Severity.ERROR, "b"),
        ]
    )
    few, most = (Report(found, Signals(), None, steps, 0.0, 0.0) for found, steps in [((twin,), 1), ((hint, error), 9)])
    assert merged([few, most]) == most._replace(findings=(error, hint))
