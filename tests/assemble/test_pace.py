"""Epochs are planned to fit into the minutes that were given."""

from __future__ import annotations

import time

import numpy as np

import trainwell as tw


def test_a_run_keeps_its_minutes_and_can_be_repeated(tmp_path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (300, 20, 20)).astype(np.uint8)
    labels = np.arange(300) % 3
    started = time.monotonic()
    run = tw.fit((pictures, labels), runs=tmp_path, edits={"train.minutes": 0.05, "nn.width": 4})
    assert run.recipe.nn.model == "resnet9"
    assert run.recipe.train.minutes == 0
    assert 1 <= run.recipe.train.epochs == run.facts.epochs
    assert run.steps == run.facts.steps
    assert time.monotonic() - started < 60
