from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.report.figures import draw_baselines
from trainwell.report.text.baselines import baselines
from trainwell.runs import Run, Snapshot


def compared(score: str, network: float, **others: float) -> Snapshot:
    rows = [{"name": name, "scores": {score: value}} for name, value in others.items()]
    return Snapshot(
        Run(Path("s"), scores={"test": {score: network}}), events={"baselines": {"main": score, "rows": rows}}
    )


def test_every_method_has_a_bar_with_its_score(shot: Snapshot, read) -> None:
    found = baselines(shot)
    assert found
    page = read(draw_baselines(found))
    assert "88.0 %" in page.text and len(list(page.all("rect"))) == 3


def test_a_score_of_which_less_is_better_says_so(read) -> None:
    found = baselines(compared("mean_absolute_error", 3.0, mean=5.0, linear=2.0))
    assert found and "lower is better" in read(draw_baselines(found)).text


@pytest.mark.parametrize("network", [-3.0, 0.0, math.nan])
def test_any_score_can_be_drawn(network: float, read) -> None:
    found = baselines(compared("r2", network, mean=-0.5))
    assert found
    widths = [float(str(box["width"])) for box in read(draw_baselines(found)).all("rect")]
    assert all(width >= 1 for width in widths)
