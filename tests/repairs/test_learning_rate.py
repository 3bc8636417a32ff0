from __future__ import annotations

import math

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, edit
from trainwell.repairs.learning_rate import lower_rate, raise_rate


def _finding(update_ratio: float | None) -> Finding:
    return Finding("any", Severity.ERROR, "", evidence={} if update_ratio is None else {"update_ratio": update_ratio})


@pytest.mark.parametrize(
    ("ratio", "times"), [(None, 1), (0.01, 1), (0.05, 1), (0.1, 2), (0.3, 3), (1e9, 10), (math.inf, 1), (math.nan, 1)]
)
def test_lower_rate_until_updates_are_healthy(ratio: float | None, times: int) -> None:
    recipe = edit(Recipe(), {"optim.learning_rate": 10.0})
    assert lower_rate(recipe, _finding(ratio)).optim.learning_rate == pytest.approx(10 / 3**times, rel=1e-5)


@pytest.mark.parametrize(("ratio", "times"), [(None, 1), (1e-3, 1), (1e-5, 4), (0.0, 10)])
def test_raise_rate_until_updates_are_healthy(ratio: float | None, times: int) -> None:
    recipe = edit(Recipe(), {"optim.learning_rate": 1e-8})
    assert raise_rate(recipe, _finding(ratio)).optim.learning_rate == pytest.approx(1e-8 * 3**times, rel=1e-5)


def test_raise_rate_ends_at_one_and_lowers_nothing() -> None:
    assert raise_rate(edit(Recipe(), {"optim.learning_rate": 0.5}), _finding(None)).optim.learning_rate == 1.0
    assert raise_rate(edit(Recipe(), {"optim.learning_rate": 5.0}), _finding(None)).optim.learning_rate == 5.0
