"""Successive halving."""

from __future__ import annotations

import pytest
from tests.search.methods.test_method import method


def test_halving_has_rungs_where_there_are_epochs_for_them() -> None:
    assert method("halving").rungs(27) == pytest.approx([1 / 9, 1 / 3, 1])
    assert method("halving").rungs(3) == pytest.approx([1 / 3, 1])
    assert method("halving").rungs(1) == [1.0]


def test_the_best_third_trains_on() -> None:
    halving = method("halving", 27)
    assert [halving.survivors(27, rung) for rung in (0, 1)] == [9, 3] and halving.survivors(2, 0) == 1
    # 27 configurations for a ninth, 9 for two ninths, 3 for two thirds of their epochs
    assert halving.full_trainings(27, 27) == pytest.approx(3 + 2 + 2)


def test_groups_are_small_where_they_are_shared_or_train_one_by_one() -> None:
    halving = method("halving", 1000)
    assert halving.group_size(0, width=32) == 243
    assert halving.group_size(0, width=1) == halving.group_size(0, width=32, shared=True) == 27
