from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.report.figures import baselines_info, draw_baselines, draw_scatter, scatter_info, wilson
from trainwell.report.text.snapshot import Snapshot


def compared(score: str, network: float, **others: float) -> Snapshot:
    rows = [{"name": name, "scores": {score: value}} for name, value in others.items()]
    return Snapshot(
        "s", Path("s"), scores={"test": {score: network}}, events={"baselines": {"main": score, "rows": rows}}
    )


def test_methods_are_ranked_with_their_intervals(shot: Snapshot, read) -> None:
    info = baselines_info(shot)
    assert info and [bar.name for bar in info.bars] == ["mlp", "logistic regression", "majority class"]
    assert info.network and info.network.interval == pytest.approx(wilson(0.88, 50))
    assert info.best_simple and info.best_simple.value == 0.8
    page = read(draw_baselines(info))
    assert "88.0 %" in page.text and len(list(page.all("rect"))) == 3


def test_where_lower_is_better_the_lowest_is_first(read) -> None:
    info = baselines_info(compared("mean_absolute_error", 3.0, mean=5.0, linear=2.0))
    assert info and info.lower and [bar.value for bar in info.bars] == [2.0, 3.0, 5.0]
    assert "lower is better" in read(draw_baselines(info)).text


@pytest.mark.parametrize("network", [-3.0, 0.0, math.nan])
def test_any_score_can_be_drawn(network: float, read) -> None:
    info = baselines_info(compared("r2", network, mean=-0.5))
    assert info
    widths = [float(str(box["width"])) for box in read(draw_baselines(info)).all("rect")]
    assert all(width >= 1 for width in widths)


def test_without_simple_methods_there_is_nothing_to_compare() -> None:
    assert baselines_info(compared("accuracy", 0.9)) is None
    assert baselines_info(compared("accuracy", 0.9, broken=math.nan)) is None


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.5, 100, 0.4038, 0.5962)]
)
def test_wilson_against_published_values(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-4)


def test_predictions_stand_over_the_truth(read) -> None:
    events = {"residuals": {"split": "test", "true": [1.0, [2.0], None, 4.0], "predicted": [1.5, [2.5], 3.0, math.nan]}}
    info = scatter_info(Snapshot("s", Path("s"), events=events))
    assert info and info.points == ((1.0, 1.5), (2.0, 2.5))
    assert len(list(read(draw_scatter(info)).all("circle"))) == 2
    assert scatter_info(Snapshot("s", Path("s"))) is None
