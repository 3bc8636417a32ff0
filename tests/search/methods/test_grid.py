"""Grid search."""

from __future__ import annotations

import pytest
from tests.search.methods.test_method import RATE, method

from trainwell.core.errors import UsageError
from trainwell.search.trials.read_space import make_space


def test_a_grid_is_full_and_within_the_limit() -> None:
    grid = method("grid", 18)
    points = grid.propose(range(100), [])
    assert grid.trials == len(points) == 18 and {point[RATE] for point in points} == {1e-4, 1e-2, 1.0}
    with pytest.raises(UsageError, match="at least 8 points, more than --trials 7"):
        method("grid", 7)


def test_a_grid_names_each_point_once_where_conditions_make_them_equal() -> None:
    space = make_space(
        {"optim.name": ["sgd", "adamw"], "optim.momentum": {"vary": "0.5..0.9", "when": {"optim.name": "sgd"}}}
    )
    assert method("grid", 4, space).trials == 3
