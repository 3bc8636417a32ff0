from __future__ import annotations

import math
from pathlib import Path

from trainwell.report.figures import draw_scatter, scatter_info
from trainwell.runs import Run, Snapshot


def test_predictions_stand_over_the_truth(read) -> None:
    events = {"residuals": {"split": "test", "true": [1.0, [2.0], None, 4.0], "predicted": [1.5, [2.5], 3.0, math.nan]}}
    info = scatter_info(Snapshot(Run(Path("s")), events=events))
    assert info and info.points == ((1.0, 1.5), (2.0, 2.5))
    assert len(list(read(draw_scatter(info)).all("circle"))) == 2
    assert scatter_info(Snapshot(Run(Path("s")))) is None
