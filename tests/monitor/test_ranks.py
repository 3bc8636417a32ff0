"""Processes that the script spawns: the first is watched, its findings come home, nothing stays behind."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch.multiprocessing

from trainwell.monitor import Watched, run_watched
from trainwell.monitor.ranks import Ranks, write_report
from trainwell.monitor.trainings.report import Report
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


def _watch(work: Callable[..., Any], *, folder: Path) -> Callable[..., Any]:
    return functools.partial(_reporting, work, folder)


def _reporting(work: Callable[..., Any], folder: Path, number: int, *arguments: Any) -> None:
    work(number, *arguments)
    if number == 0:
        write_report(Report(steps=arguments[0]), folder)


def _work(number: int, steps: int) -> None:
    pass


def test_nothing_spawned_nothing_reported() -> None:
    ranks = Ranks(_watch)
    original = torch.multiprocessing.start_processes
    ranks.install()
    assert torch.multiprocessing.start_processes is not original
    assert ranks.remove() == []
    assert torch.multiprocessing.start_processes is original


def test_each_call_brings_the_report_of_its_first_process_home() -> None:
    ranks = Ranks(_watch)
    ranks.install()
    try:
        for steps in (3, 5):
            torch.multiprocessing.start_processes(_work, (steps,), nprocs=2, start_method="fork")
    finally:
        reports = ranks.remove()
    assert [report.steps for report in reports] == [3, 5]


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
