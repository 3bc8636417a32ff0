"""Epochs are planned to fit into the minutes that were given."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn

import trainwell as tw


def test_a_run_keeps_its_minutes_and_can_be_repeated(tmp_path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (300, 20, 20)).astype(np.uint8)
    labels = np.arange(300) % 3
    started = time.monotonic()
    run = tw.fit((images, labels), runs=tmp_path, edits={"train.minutes": 0.05, "nn.width": 4})
    assert run.recipe.nn.model == "resnet9"
    assert run.recipe.train.minutes == 0
    assert 1 <= run.recipe.train.epochs == run.facts.epochs
    assert run.steps == run.facts.steps
    assert time.monotonic() - started < 60


class Small(nn.Linear):
    """In training it takes so many examples at once, and no more."""

    def __init__(self, most: int) -> None:
        super().__init__(4, 3)
        self.most = most

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and len(inputs) > self.most:
            raise torch.OutOfMemoryError(f"{len(inputs)} examples: out of memory")
        return super().forward(inputs)


def test_what_memory_cannot_time_keeps_its_own_epochs(tmp_path) -> None:
    run = tw.fit("iris", Small(8), epochs=2, runs=tmp_path, edits={"train.minutes": 0.02})
    assert (run.status, run.recipe.train.epochs, run.recipe.train.minutes) == ("ok", 2, 0)
    assert run.steps == run.facts.steps


def test_steps_are_timed_in_micro_batches(tmp_path) -> None:
    edits = {"train.minutes": 0.005, "train.micro_batch": 8}
    run = tw.fit("iris", Small(9), epochs=1, runs=tmp_path, edits=edits)
    assert run.status == "ok" and run.recipe.train.epochs > 1, "0.3 seconds are many epochs of 4 steps"
