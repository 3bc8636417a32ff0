from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.report.text.baselines import baselines, wilson
from trainwell.runs import Run, Snapshot


def compared(score: str, network: float, **others: float) -> Snapshot:
    rows = [{"name": name, "scores": {score: value}} for name, value in others.items()]
    return Snapshot(
        Run(Path("s"), scores={"test": {score: network}}), events={"baselines": {"main": score, "rows": rows}}
    )


def test_methods_are_ranked_with_their_intervals(shot: Snapshot) -> None:
    found = baselines(shot)
    assert found and [method.name for method in found.methods] == ["mlp", "logistic regression", "majority class"]
    assert found.network and found.network.interval == pytest.approx(wilson(0.88, 50))
    assert found.simple[0].value == 0.8 and not found.network_is_beaten


def test_where_lower_is_better_the_lowest_is_first() -> None:
    found = baselines(compared("mean_absolute_error", 3.0, mean=5.0, linear=2.0))
    assert found and found.lower and [method.value for method in found.methods] == [2.0, 3.0, 5.0]
    assert found.network_is_beaten


@pytest.mark.parametrize(("network", "is_beaten"), [(0.5, False), (0.4, True), (0.3, True)])
def test_a_network_that_is_not_better_is_beaten(network: float, is_beaten: bool) -> None:
    found = baselines(compared("r2", network, mean=0.4))
    assert found and found.network_is_beaten == is_beaten


def test_without_simple_methods_there_is_nothing_to_compare() -> None:
    assert baselines(compared("accuracy", 0.9)) is None
    assert baselines(compared("accuracy", 0.9, broken=math.nan)) is None


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.5, 100, 0.4038, 0.5962)]
)
def test_wilson_against_published_values(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-4)
