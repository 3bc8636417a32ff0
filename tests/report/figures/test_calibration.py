"""Confidence and accuracy in the report (docs/curriculum.md, L4)."""

from __future__ import annotations

from pathlib import Path

from trainwell.report.figures import calibration_info, draw_calibration
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot

EVENT = {
    "split": "test",
    "confidence": [0.5, 0.95],
    "accuracy": [0.5, 0.7],
    "counts": [10, 40],
    "error": 0.2,
    "top1_error": 0.34,
}


def test_a_network_that_is_overconfident_is_called_so() -> None:
    info = calibration_info(Snapshot(Run(Path("a")), events={"calibration": EVENT}))
    assert info is not None
    assert info.bins == ((0.5, 0.5, 10), (0.95, 0.7, 40))
    assert "overconfident" in info.says and "Top-1 error 34" in info.says
    assert draw_calibration(info).count('class="point"') == 2


def test_a_run_without_calibration_shows_nothing() -> None:
    assert calibration_info(Snapshot(Run(Path("a")))) is None
